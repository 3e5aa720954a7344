/// Encoded bytes in one block of memory, which grows by doubling and can be reused.
///
/// An array asks at each append whether it is shared, and is emptied element by element: that took a tenth of a handoff.
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
    // Sendable: it owns its memory alone.

    /// Memory that no buffer uses now.
    package struct Block {
        fileprivate let base: UnsafeMutableRawPointer
        /// The number of bytes.
        package let capacity: Int

        /// Gives the memory back to the system.
        package func free() { base.deallocate() }
    }

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    package private(set) var count = 0

    /// An empty buffer, without memory.
    package init() {}

    /// An empty buffer with the memory of `block`.
    package init(_ block: Block) {
        base = block.base
        capacity = block.capacity
    }

    deinit { base?.deallocate() }

    package var isEmpty: Bool { count == 0 }

    /// Empties the buffer and takes its memory out; nil when it has none.
    package mutating func takeBlock() -> Block? {
        guard let base else { return nil }
        let block = Block(base: base, capacity: capacity)
        self.base = nil
        capacity = 0
        count = 0
        return block
    }

    /// Calls `use` with the bytes.
    @inline(__always)
    package func withUnsafeBytes<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
        use(UnsafeRawBufferPointer(start: base, count: count))
    }

    package mutating func append(contentsOf other: borrowing ByteBuffer) {
        append(atMost: other.count) { room in other.withUnsafeBytes { room.put($0) } }
    }

    /// Removes the first `removed` bytes.
    package mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "more bytes than there are")
        guard let base else { return }
        base.copyMemory(from: base + removed, byteCount: count - removed)
        count -= removed
    }

    /// Appends what `write` puts, which is at most `room` bytes.
    @inline(__always)
    mutating func append(atMost room: Int, _ write: (inout RoomWriter) -> Void) {
        if room > capacity - count { grow(to: count + room) }
        guard let base else { return }
        var writer = RoomWriter(UnsafeMutableRawBufferPointer(start: base + count, count: room))
        write(&writer)
        count += writer.count
    }

    /// The least memory of a buffer that has some.
    private static let leastCapacity = 1 << 10

    @inline(never)
    private mutating func grow(to needed: Int) {
        let larger = max(needed, 2 * capacity, Self.leastCapacity)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        if let base {
            grown.copyMemory(from: base, byteCount: count)
            base.deallocate()
        }
        base = grown
        capacity = larger
    }
}
