import Glibc

/// A queue of bytes. It never shrinks, so that a connection under steady load allocates nothing.
struct ByteQueue: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>?
    private var capacity = 0
    private var start = 0
    private var end = 0

    init() {}

    deinit { base?.deallocate() }

    var isEmpty: Bool { start == end }
    var count: Int { end - start }

    /// The queue's content, valid until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base.map { $0 + start }, count: count) }

    /// Returns room for at least `count` bytes at the end. `advance` appends those that were written there.
    mutating func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if end + count > capacity { grow(count) }
        return UnsafeMutableRawBufferPointer(start: base.map { $0 + end }, count: capacity - end)
    }

    mutating func advance(_ count: Int) { end += count }

    mutating func removeFirst(_ count: Int) {
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    private mutating func grow(_ count: Int) {
        let used = end - start
        if used + count <= capacity, let base {
            memmove(base, base + start, used)
        } else {
            capacity = max(256, 2 * capacity, used + count)
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
            if let base {
                memcpy(larger, base + start, used)
                base.deallocate()
            }
            base = larger
        }
        start = 0
        end = used
    }

    // MARK: Appending

    @inline(__always)
    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let target = room(bytes.count).baseAddress else { return }
        memcpy(target, source, bytes.count)
        end += bytes.count
    }

    mutating func append(_ byte: UInt8) {
        room(1)[0] = byte
        end += 1
    }

    mutating func append(decimal number: Int) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
}
