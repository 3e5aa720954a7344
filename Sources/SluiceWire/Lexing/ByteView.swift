#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A read-only view of bytes that the caller owns: the input of a socket, a line of it, or a word of a line.
///
/// Only this type reads raw memory when parsing. Every access is checked against the bounds of the view, also in
/// release builds, so that an error in a parser ends the process instead of reading beyond the buffer. The checks are
/// inlined, so the optimizer can remove most of them. A view is valid only during the call that received the buffer,
/// and is never stored beyond it.
struct ByteView {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The bytes as a raw buffer, for other APIs.
    var raw: UnsafeRawBufferPointer { bytes }
    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var first: UInt8? { bytes.first }
    var last: UInt8? { bytes.last }

    @inline(__always) subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < bytes.count, "index outside the view")
        return bytes[index]
    }

    @inline(__always) subscript(range: Range<Int>) -> ByteView {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "range outside the view")
        return ByteView(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    /// The view without its first bytes.
    @inline(__always) func dropping(_ count: Int) -> ByteView { self[count..<self.count] }

    /// At most the first `count` bytes.
    @inline(__always) func prefix(_ count: Int) -> ByteView { self[0..<Swift.min(count, self.count)] }

    /// Returns up to eight bytes from `offset` as a number, with the first byte lowest.
    func word(at offset: Int) -> UInt64 {
        let rest = dropping(offset).bytes
        if rest.count >= 8 { return UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self)) }
        if rest.count >= 4 {
            // Combines two overlapping halves.
            let low = UInt64(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
            let end = rest.loadUnaligned(fromByteOffset: rest.count - 4, as: UInt32.self)
            return low | UInt64(UInt32(littleEndian: end)) << UInt64(8 * (rest.count - 4))
        }
        var word: UInt64 = 0
        for (index, byte) in rest.enumerated() { word |= UInt64(byte) << UInt64(8 * index) }
        return word
    }

    func starts(with text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && prefix(text.utf8CodeUnitCount) == text
    }

    static func == (left: ByteView, right: ByteView) -> Bool {
        guard left.count == right.count else { return false }
        guard let first = left.bytes.baseAddress, let second = right.bytes.baseAddress else { return true }
        return memcmp(first, second, left.count) == 0
    }

    static func == (view: ByteView, text: StaticString) -> Bool {
        guard view.count == text.utf8CodeUnitCount else { return false }
        return view.bytes.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func reduce<Result>(_ initial: Result, _ next: (Result, UInt8) -> Result) -> Result {
        bytes.reduce(initial, next)
    }

    func allSatisfy(_ predicate: (UInt8) -> Bool) -> Bool { bytes.allSatisfy(predicate) }

    /// The index of the first `byte` at `start` or after it, or nil if there is none.
    ///
    /// Uses the C library, because every byte of the input passes through this function.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= bytes.count, "start outside the view")
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(byte), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Returns the bytes from `start` to the first `byte` or the end. A loop finds the end of a short word faster than
    /// a call of the C library.
    @inline(__always) func word(upTo byte: UInt8, from start: Int) -> ByteView {
        precondition(start >= 0 && start <= bytes.count, "start outside the view")
        guard let base = bytes.baseAddress else { return self }
        var end = start
        while end < bytes.count, bytes[end] != byte { end += 1 }
        return ByteView(UnsafeRawBufferPointer(start: base + start, count: end - start))
    }

    /// A copy of the bytes.
    var body: Body { Body(bytes) }

    func append(to out: inout [UInt8]) { out.append(contentsOf: bytes) }

    /// A copy as text. Bytes that are not UTF-8 are replaced.
    var string: String { String(decoding: bytes, as: UTF8.self) }
}
