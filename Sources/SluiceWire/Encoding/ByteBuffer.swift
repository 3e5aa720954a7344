/// A buffer of bytes in one block of memory, which grows by doubling and can be reused.
///
/// An array checks at each append whether it is shared, and releases its elements one by one. That took a tenth of the
/// time of a handoff.
@usableFromInline
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
    // `Sendable` because the buffer is the only owner of its memory.

    /// Memory that no buffer is using.
    @usableFromInline
    package struct Block {
        @usableFromInline let base: UnsafeMutableRawPointer
        /// In bytes.
        @usableFromInline package let capacity: Int

        @inlinable
        init(base: UnsafeMutableRawPointer, capacity: Int) {
            self.base = base
            self.capacity = capacity
        }

        /// A block that is linked to this one, in a list of unused blocks. Stored in the memory of this block.
        @inlinable package var next: Block? {
            get { base.load(as: Block?.self) }
            nonmutating set { base.storeBytes(of: newValue, as: Block?.self) }
        }

        /// Returns the memory to the system.
        package func free() { base.deallocate() }
    }

    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var capacity = 0
    @usableFromInline package internal(set) var count = 0

    /// Creates an empty buffer without memory.
    @inlinable
    package init() {}

    /// Creates an empty buffer that uses the memory of `block`.
    @inlinable
    package init(_ block: Block) {
        base = block.base
        capacity = block.capacity
    }

    @inlinable
    deinit { base?.deallocate() }

    @inlinable package var isEmpty: Bool { count == 0 }

    /// Empties the buffer and returns its memory, or nil if it has none.
    @inlinable
    package mutating func takeBlock() -> Block? {
        guard let base else { return nil }
        let block = Block(base: base, capacity: capacity)
        self.base = nil
        capacity = 0
        count = 0
        return block
    }

    /// The bytes. Valid until the buffer changes.
    @inlinable package var unsafeBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    package mutating func append(contentsOf other: borrowing ByteBuffer) {
        append(atMost: other.count) { $0.put(other.unsafeBytes) }
    }

    /// Removes the first `removed` bytes.
    package mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "cannot remove more bytes than the buffer holds")
        guard let base else { return }
        base.copyMemory(from: base + removed, byteCount: count - removed)
        count -= removed
    }

    /// Appends the bytes that `write` puts, of which there must be at most `limit`.
    @inline(__always)
    mutating func append(atMost limit: Int, _ write: (inout BoundedWriter) -> Void) {
        if limit > capacity - count { grow(to: count + limit) }
        guard let base else { return }
        var writer = BoundedWriter(UnsafeMutableRawBufferPointer(start: base + count, count: limit))
        write(&writer)
        count += writer.count
    }

    /// The capacity of the first block.
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
