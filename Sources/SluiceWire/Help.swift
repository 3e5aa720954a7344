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
        let verbs = Verb.allCases.map { verb in
            let name = verb.rawValue
            return "  " + name + String(repeating: " ", count: 8 - name.utf8.count) + HelpEntry(verb, limits).summary
        }
        return """
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

    private func page(for verb: Verb) -> String {
        let entry = HelpEntry(verb, limits)
        return (entry.usage + ["", entry.details]).joined(separator: "\n")
    }
}
