import Synchronization

/// The encrypted bytes of a session that were received and that OpenSSL has not processed. Owns memory only while it holds
/// some.
struct TLSInput: ~Copyable {
    /// The bytes before the content of each record: its type, version and length.
    static let headBytes = 5
    /// The bytes of a buffer for a record of the largest size.
    static let recordBytes = 17 << 10

    /// The address of a buffer of `recordBytes` that no session uses; 0 for none. Most reads take it and give it back,
    /// which costs less than to allocate one.
    private static let spare = Atomic<UInt>(0)

    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var begin = 0
    private var end = 0

    deinit { buffer.deallocate() }

    var isEmpty: Bool { begin == end }
    /// The memory that is held, in bytes.
    var capacity: Int { buffer.count }
    /// The first byte. There must be one.
    var first: UInt8 { buffer[begin] }

    /// Receives bytes from a socket without waiting. There must be none left.
    mutating func fill(from socket: Int32) -> ReadAttempt {
        if buffer.count < Self.recordBytes {
            buffer.deallocate()
            let spare = UnsafeMutableRawPointer(bitPattern: Self.spare.exchange(0, ordering: .acquiring))
            buffer =
                spare.map { UnsafeMutableRawBufferPointer(start: $0, count: Self.recordBytes) }
                ?? .allocate(byteCount: Self.recordBytes, alignment: 16)
        }
        let attempt = Socket.tryRead(socket, into: buffer)
        (begin, end) = (0, 0)
        if case .bytes(let count) = attempt { end = count }
        return attempt
    }

    /// Moves the first bytes, at most `count`, to `bytes`. Returns their number.
    mutating func take(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let count = min(count, end - begin)
        bytes.copyMemory(from: UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped) + begin, byteCount: count)
        begin += count
        return count
    }

    /// Frees memory that is not needed.
    mutating func shrink() {
        let count = end - begin
        guard count < buffer.count else { return }
        let smaller =
            count == 0
            ? UnsafeMutableRawBufferPointer(start: nil, count: 0)
            : UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        smaller.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[begin..<end]))
        if buffer.count == Self.recordBytes {
            let spare = Self.spare.exchange(UInt(bitPattern: buffer.baseAddress), ordering: .acquiringAndReleasing)
            UnsafeMutableRawPointer(bitPattern: spare)?.deallocate()
        } else {
            buffer.deallocate()
        }
        (buffer, begin, end) = (smaller, 0, count)
    }
}
