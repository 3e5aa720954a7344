/// The bodies that the options `len` of a line announce, in the order in which they follow it.
struct AnnouncedBodies {
    /// A body, and the arm that it belongs to: 0 in a command without arms.
    struct Element {
        let arm: Int
        let length: Int
    }

    private(set) var elements: [Element] = []

    var isEmpty: Bool { elements.isEmpty }

    private let maxBytes: Int

    /// Bytes of the bodies of this line so far, the texts in it included.
    private var totalBytes = 0

    init(limits: Limits) {
        maxBytes = limits.maxBodyBytes
    }

    /// The body of a command or an arm: the text that is left in `words`, or, with `length`, nothing yet.
    mutating func body(_ words: inout Words, length: Int?, arm: Int = 0) throws(WireError) -> Body {
        guard let length else {
            let text = words.text()
            try add(text.count)
            return text.body
        }
        guard words.isAtEnd else { throw WireError(.syntax, "with len= the body follows the line, which has no text") }
        try add(length)
        elements.append(Element(arm: arm, length: length))
        return []
    }

    private mutating func add(_ bytes: Int) throws(WireError) {
        guard bytes <= maxBytes - totalBytes else {
            throw WireError(.tooBig, "the bodies of a command have at most \(maxBytes) bytes together")
        }
        totalBytes += bytes
    }
}
