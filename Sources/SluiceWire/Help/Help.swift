/// The texts of `HELP`, for a terminal of eighty columns.
package struct Help: Sendable {
    private let limits: Limits

    package init(limits: Limits) {
        self.limits = limits
    }

    /// The answer to `HELP verb`, or to a bare `HELP`; lines end in LF, but for the last, whose end the reply adds.
    package func body(for verb: Verb?) -> Body {
        Body((verb.map(page) ?? overview).utf8)
    }

    private var overview: String {
        """
        [#tag] verb [key=value ...] [operand ...] [text]

        \(verbs.joined(separator: "\n"))

        A tagged command holds up no other, and its reply begins with its tag.
        Bytes of any kind: len=N instead of a text, then N bytes and a line end.
        Durations: a whole number and ms, s, m or h, or 0.
        Bytes at most: \(limits.maxLineBytes) in a line, \(limits.maxBodyBytes) in a body, \
        \(Limits.maxNameBytes) in a name, \(Limits.maxTagBytes) in a tag.
        HELP verb tells more.
        """
    }

    /// The verbs with a few words for each, in two columns: they all fit on a screen then.
    private var verbs: [String] {
        let entries = Verb.allCases.map { $0.rawValue.padded(to: 9) + HelpEntry($0, limits).summary }
        let rows = (entries.count + 1) / 2
        return (0..<rows).map { row in
            let left = "  " + entries[row]
            return rows + row < entries.count ? left.padded(to: 41) + entries[rows + row] : left
        }
    }

    private func page(for verb: Verb) -> String {
        let entry = HelpEntry(verb, limits)
        return (entry.usage + ["", entry.details]).joined(separator: "\n")
    }
}

extension String {
    /// The text and as many spaces as a column of that width needs.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - utf8.count))
    }
}
