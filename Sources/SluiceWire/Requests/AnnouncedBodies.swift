/// The bodies that the `len=` options of a line announce, in the order in which they follow the line.
struct AnnouncedBodies {
    /// A body and the arm that it belongs to. The arm is 0 in a command without arms.
    struct Element {
        let arm: Int
        let length: Int
    }

    private(set) var elements: [Element] = []

    var isEmpty: Bool { elements.isEmpty }

    private let maxBytes: Int

    /// The bytes of the line's bodies and texts so far.
    private var totalBytes = 0

    init(limits: Limits) {
        maxBytes = limits.maxBodyBytes
    }

    /// Returns the body of a command or an arm: the rest of `words`, or, with a `length`, an empty body that the parser
    /// fills in later.
    mutating func body(_ words: inout WordReader, length: Int?, arm: Int = 0) throws(WireError) -> MessageBytes {
        guard let length else {
            let text = words.text()
            try add(text.count)
            return .borrowed(text.raw)
        }
        guard words.isBlank else {
            throw WireError(.syntax, "with len= the body follows the line; remove the text from the line")
        }
        try add(length)
        elements.append(Element(arm: arm, length: length))
        return .owned([])
    }

    private mutating func add(_ bytes: Int) throws(WireError) {
        guard bytes <= maxBytes - totalBytes else {
            throw WireError(.tooBig, "the bodies of a command may have at most \(maxBytes) bytes together")
        }
        totalBytes += bytes
    }
}
