import SluiceWire

/// A line of the screen, no wider than the screen: pieces of text with their styles.
struct StyledLine: Sendable, Hashable {
    enum Style: String, Sendable, Hashable {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case inverse = "7"
        case good = "32"
        case notable = "33"
        case bad = "31"
        case graph = "36"
    }

    private(set) var pieces: [(text: String, style: Style)] = []
    /// The width in columns.
    private(set) var width = 0

    static func == (a: StyledLine, b: StyledLine) -> Bool {
        a.pieces.elementsEqual(b.pieces) { $0 == $1 }
    }

    func hash(into hasher: inout Hasher) {
        for piece in pieces {
            hasher.combine(piece.text)
            hasher.combine(piece.style)
        }
    }

    init() {}

    init(_ text: String, _ style: Style = .plain) { append(text, style) }

    /// Appends a text whose characters must take one column each; see `columns`.
    mutating func append(_ text: String, _ style: Style = .plain) {
        guard !text.isEmpty else { return }
        // Names and reasons come from other clients.
        let text = text.escapedForTerminal()
        pieces.append((text, style))
        width += text.count
    }

    /// Fills the line with spaces up to a column.
    mutating func pad(to column: Int, _ style: Style = .plain) {
        if column > width { append(String(repeating: " ", count: column - width), style) }
    }

    /// Returns the line, cut to the width.
    func cut(to columns: Int) -> StyledLine {
        guard width > columns else { return self }
        var line = StyledLine()
        for piece in pieces { line.append(String(piece.text.prefix(max(0, columns - line.width))), piece.style) }
        return line
    }

    /// The text without styles.
    var text: String { pieces.map(\.text).joined() }

    /// The text with the escape sequences of a terminal.
    func rendered(inColor: Bool) -> String {
        pieces.map { piece in
            let isColor = piece.style.rawValue.count == 2
            return piece.style == .plain || isColor && !inColor
                ? piece.text : "\u{1B}[\(piece.style.rawValue)m\(piece.text)\u{1B}[0m"
        }
        .joined()
    }
}

extension String {
    /// Returns the text in exactly this many columns, with an ellipsis if it is cut. Replaces characters that may take
    /// more or less than one column.
    func columns(_ width: Int, right: Bool = false, _ glyphs: Glyphs) -> String {
        let clean = String(
            unicodeScalars.map { (0x20..<0x7F).contains($0.value) ? Character($0) : Character("?") })
        guard width > 0 else { return "" }
        if clean.count > width { return clean.prefix(width - 1) + glyphs.ellipsis }
        let padding = String(repeating: " ", count: width - clean.count)
        return right ? padding + clean : clean + padding
    }
}

/// The characters that graphs are made of.
struct Glyphs: Sendable, Hashable {
    /// From empty to full.
    let bars: [Character]
    let ellipsis: String
    let dot: String

    static let unicode = Glyphs(bars: Array(" ▁▂▃▄▅▆▇█"), ellipsis: "…", dot: "·")
    static let ascii = Glyphs(bars: Array(" .:-=+*#@"), ellipsis: "~", dot: "-")

    /// Returns rows of bars, one bar for each value, with the top row first.
    func graph(_ values: [Double], highest: Double, rows: Int = 1) -> [String] {
        let steps = bars.count - 1
        let heights = values.map { value in
            guard highest > 0, value > 0 else { return 0 }
            // A value above zero is always visible.
            return max(1, Int((value / highest * Double(rows * steps)).rounded()))
        }
        return (0..<rows).reversed().map { row in
            String(heights.map { bars[min(steps, max(0, $0 - row * steps))] })
        }
    }
}
