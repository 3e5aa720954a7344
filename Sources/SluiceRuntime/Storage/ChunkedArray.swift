/// An array that grows and is freed in small pieces, so that neither takes long however many elements it has.
///
/// The first elements are in one block, which doubles. From ``chunkSize`` on, each further block holds that many elements,
/// and elements do not move any more. The storage of ``SlotTable`` and ``IndexedHeap``. An array that was never used holds
/// no memory.
@usableFromInline
package struct ChunkedArray<Element>: ~Copyable {
    /// The elements of a block. A power of two.
    @inlinable package static var chunkSize: Int { 1 << chunkShift }
    @inlinable static var chunkShift: Int { 10 }

    /// The only block, or the addresses of all blocks if there are several.
    @usableFromInline var base: UnsafeMutableRawPointer?
    /// The number of elements that fit into the blocks. If there are several, a multiple of `chunkSize`.
    @usableFromInline var capacity: Int32 = 0
    /// The number of elements, as an `Int32` to keep the array small.
    @usableFromInline var storedCount: Int32 = 0

    @inlinable
    package init() {}

    @inlinable
    deinit {
        for index in 0..<count { address(of: index).deinitialize(count: 1) }
        free()
    }

    /// The number of elements.
    @inlinable package var count: Int { Int(storedCount) }
    @inlinable package var isEmpty: Bool { storedCount == 0 }

    /// The index is checked in debug builds only. Its owners check the keys of clients: see ``SlotTable/holds(_:_:)``.
    @inlinable
    package subscript(index: Int) -> Element {
        @inline(__always)
        unsafeAddress {
            assert(index < count && index >= 0, "the index is in the array")
            return UnsafePointer(address(of: index))
        }
        @inline(__always)
        unsafeMutableAddress {
            assert(index < count && index >= 0, "the index is in the array")
            return address(of: index)
        }
    }

    @inlinable
    @inline(__always)
    package mutating func append(_ element: consuming Element) {
        if storedCount == capacity { grow() }
        address(of: Int(storedCount)).initialize(to: element)
        storedCount &+= 1
    }

    /// Removes the last element of an array that is not empty.
    @inlinable
    package mutating func removeLast() -> Element {
        assert(storedCount > 0, "the array has elements")
        storedCount &-= 1
        return address(of: Int(storedCount)).move()
    }

    /// Frees the memory of an array whose elements refer to nothing any more. They are not visited.
    @inlinable
    package mutating func discardAll() {
        free()
        (base, capacity, storedCount) = (nil, 0, 0)
    }

    @inlinable
    @inline(__always)
    func address(of index: Int) -> UnsafeMutablePointer<Element> {
        // `base` is not nil: there is an element at `index`, or a block with space for one.
        guard Int(capacity) > Self.chunkSize else {
            return base.unsafelyUnwrapped.assumingMemoryBound(to: Element.self) + index
        }
        return blocks[index >> Self.chunkShift] + (index & (Self.chunkSize - 1))
    }

    /// The addresses of the blocks, if there are several.
    @inlinable
    var blocks: UnsafeMutablePointer<UnsafeMutablePointer<Element>> {
        base.unsafelyUnwrapped.assumingMemoryBound(to: UnsafeMutablePointer<Element>.self)
    }

    @inlinable
    @inline(never)
    mutating func grow() {
        precondition(capacity < .max / 2, "the array has at most a billion elements")
        if Int(capacity) < Self.chunkSize { growFirst() } else { addBlock() }
    }

    /// Doubles the only block.
    @inlinable
    mutating func growFirst() {
        let larger = max(1, Int(capacity) * 2)
        let block = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        if let base {
            let old = base.assumingMemoryBound(to: Element.self)
            block.moveInitialize(from: old, count: count)
            old.deallocate()
        }
        base = UnsafeMutableRawPointer(block)
        capacity = Int32(larger)
    }

    @inlinable
    mutating func addBlock() {
        let count = Int(capacity) >> Self.chunkShift
        // The list of blocks doubles when their number is a power of two.
        if count & (count - 1) == 0 {
            let list = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: count * 2)
            if count == 1 {
                list.initialize(to: base.unsafelyUnwrapped.assumingMemoryBound(to: Element.self))
            } else {
                list.moveInitialize(from: blocks, count: count)
                blocks.deallocate()
            }
            base = UnsafeMutableRawPointer(list)
        }
        (blocks + count).initialize(to: .allocate(capacity: Self.chunkSize))
        capacity += Int32(Self.chunkSize)
    }

    @inlinable
    func free() {
        guard let base else { return }
        guard Int(capacity) > Self.chunkSize else {
            return base.assumingMemoryBound(to: Element.self).deallocate()
        }
        for index in 0..<(Int(capacity) >> Self.chunkShift) { blocks[index].deallocate() }
        blocks.deallocate()
    }
}

extension ChunkedArray: @unchecked Sendable where Element: Sendable {
    // Sendable: the value owns its memory alone.
}
