/// The texts of `HELP`, for a terminal with eighty columns.
package struct Help: Sendable {
    // Made once, because making them takes much longer than sending them.
    private let overview: Body
    private let pages: [Verb: Body]

    package init(limits: Limits) {
        let text = HelpText(limits: limits)
        overview = Body(text.overview.utf8)
        pages = Dictionary(uniqueKeysWithValues: Verb.allCases.map { ($0, Body(text.page(for: $0).utf8)) })
    }

    /// Returns the answer to `HELP verb`, or to a bare `HELP`. The last line has no LF, because the reply adds it.
    package func body(for verb: Verb?) -> Body { verb.flatMap { pages[$0] } ?? overview }
}

private struct HelpText {
    let limits: Limits

    var overview: String {
        """
        [#tag] verb [key=value ...] [operand ...] [text]

        \(verbs.joined(separator: "\n"))

        A tagged command does not delay other commands. Its reply begins with its tag.
        To send any bytes, pass len=N instead of a text, then N bytes and a line end.
        A duration is a whole number with ms, s, m or h, or 0.
        Limits: \(limits.maxLineBytes) bytes in a line, \(limits.maxBodyBytes) in a body, \
        \(Limits.maxNameBytes) in a name, \(Limits.maxTagBytes) in a tag.
        HELP verb explains a verb.
        """
    }

    /// The verbs with their summaries, in two columns so that all fit on a screen.
    private var verbs: [String] {
        let entries = Verb.allCases.map { $0.rawValue.padded(to: 9) + HelpEntry($0, limits).summary }
        let rows = (entries.count + 1) / 2
        return (0..<rows).map { row in
            let left = "  " + entries[row]
            return rows + row < entries.count ? left.padded(to: 41) + entries[rows + row] : left
        }
    }

    func page(for verb: Verb) -> String {
        let entry = HelpEntry(verb, limits)
        return (entry.usage + ["", entry.details]).joined(separator: "\n")
    }
}

extension String {
    /// Pads the text with spaces to a column of the given width, with at least one space.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - utf8.count))
    }
}
