/// An array whose growth and release are spread over many steps: it keeps its elements in pieces of 4096.
///
/// An ordinary array copies all its elements when it grows. With millions of them, this takes tens of milliseconds.
struct ChunkedArray<Element> {
    private static var chunkBits: Int { 12 }
    private static var mask: Int { 1 << chunkBits - 1 }

    private var chunks: [ContiguousArray<Element>] = []
    private(set) var count = 0

    var indices: Range<Int> { 0..<count }

    subscript(place: Int) -> Element {
        get { chunks[place >> Self.chunkBits][place & Self.mask] }
        _modify { yield &chunks[place >> Self.chunkBits][place & Self.mask] }
    }

    mutating func append(_ element: Element) {
        if count & Self.mask == 0 {
            chunks.append([])
            // The first piece grows, so that a short array is small.
            if count > 0 { chunks[chunks.count - 1].reserveCapacity(1 << Self.chunkBits) }
        }
        chunks[chunks.count - 1].append(element)
        count += 1
    }
}
