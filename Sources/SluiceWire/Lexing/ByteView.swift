#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A read-only view of bytes that somebody else owns: a read of the socket, one line of it, one word of the line.
///
/// The only place in this target that reads raw memory. Every access is checked against the bounds of the view, in
/// release builds too, so that a mistake in a parser ends the process and never reads past the buffer; inlined, because
/// the optimizer then proves most checks and drops them. A view is valid only while the call that was given the buffer
/// lasts: nothing stores one beyond it.
struct ByteView {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The bytes, for whoever passes them on.
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

    /// Where `byte` first stands, at `start` or after it.
    ///
    /// By the C library: lines are the whole of the traffic, and every byte of them passes here.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= bytes.count, "start outside the view")
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(byte), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// A copy of the bytes.
    var body: Body { Body(bytes) }

    func append(to out: inout [UInt8]) { out.append(contentsOf: bytes) }

    /// A copy as text; bytes that are not UTF-8 are replaced.
    var string: String { String(decoding: bytes, as: UTF8.self) }
}
