/// Rows of cells in aligned columns for a terminal, with notes of free text between the rows.
///
/// Two spaces separate the columns, and no line ends in a space. Widths are counted in characters, because units such
/// as µs and × take more than a byte.
package struct TextTable: Sendable {
    package enum Alignment: Sendable { case left, right }

    package struct Column: Sendable {
        let heading: String
        let alignment: Alignment

        /// A column of words, aligned on the left.
        package static func text(_ heading: String) -> Column { Column(heading: heading, alignment: .left) }
        /// A column of numbers or of amounts with a unit, aligned on the right.
        package static func number(_ heading: String) -> Column { Column(heading: heading, alignment: .right) }
    }

    package struct Cell: Sendable {
        let text: String
        let style: TextStyle

        /// - Parameter text: nil is shown as a hyphen.
        package init(text: String?, style: TextStyle = .plain) {
            self.text = text ?? "-"
            self.style = style
        }
    }

    private enum Entry: Sendable {
        case row([Cell])
        case note(Cell)
    }

    private let alignments: [Alignment]
    private var entries: [Entry] = []
    /// The width of the widest cell of each column.
    private var widths: [Int]
    /// The UTF-8 bytes of all cells, less their widths in columns.
    private var bytesBeyondWidths = 0

    /// Creates a table without headings.
    package init(_ alignments: [Alignment]) {
        self.alignments = alignments
        widths = alignments.map { _ in 0 }
    }

    /// Creates a table that begins with a row of headings.
    package init(_ columns: Column...) {
        self.init(columns.map(\.alignment))
        append(columns.map { Cell(text: $0.heading) })
    }

    /// Adds a row with a cell for every column.
    package mutating func append(_ cells: [Cell]) {
        precondition(cells.count == alignments.count, "a row has a cell for every column")
        for (column, cell) in cells.enumerated() {
            let width = cell.text.width
            widths[column] = max(widths[column], width)
            bytesBeyondWidths += cell.text.utf8.count - width
        }
        entries.append(.row(cells))
    }

    /// The number of rows and notes, the headings included.
    package var count: Int { entries.count }

    /// Adds a row with a cell for every column, unless the text would then have more than `maxBytes`. The first row is
    /// always added.
    ///
    /// - Returns: whether the row was added.
    package mutating func append(_ cells: [Cell], within maxBytes: Int) -> Bool {
        let cellWidths = cells.map(\.text.width)
        let lineBytes = zip(widths, cellWidths).reduce(2 * (widths.count - 1) + 1) { $0 + max($1.0, $1.1) }
        let excess = zip(cells, cellWidths).reduce(bytesBeyondWidths) { $0 + $1.0.text.utf8.count - $1.1 }
        guard entries.count <= 1 || (entries.count + 1) * lineBytes + excess <= maxBytes else { return false }
        append(cells)
        return true
    }

    /// Returns a line at its full width.
    package func line(at index: Int) -> String {
        switch entries[index] {
        case .note(let cell): cell.text
        case .row(let cells): line(cells, widths, false)
        }
    }

    /// Adds a row with a plain cell for every column; nil is shown as a hyphen.
    package mutating func append(_ cells: String?...) {
        append(cells.map { Cell(text: $0) })
    }

    /// Adds a line of text that takes no part in the columns.
    package mutating func append(note: Cell) {
        entries.append(.note(note))
    }

    /// The table with its lines joined by LF. If rows were left out, a last line says how many.
    package func text(omitted: Int = 0) -> String {
        var lines = lines()
        if omitted > 0 { lines.append("... and \(String(readable: omitted)) more") }
        return lines.joined(separator: "\n")
    }

    /// The lines, of which none ends in a space.
    ///
    /// - Parameter width: where the columns together are wider, the first column is cut, down to eight characters.
    ///   Other columns are never cut, so that numbers stay whole.
    package func lines(width: Int = .max, isColoured: Bool = false) -> [String] {
        var widths = widths
        let excess = widths.reduce(2 * (widths.count - 1), +) - width
        if excess > 0, let first = widths.first { widths[0] = min(first, max(8, first - excess)) }
        return entries.map { entry in
            switch entry {
            case .note(let cell): isColoured ? cell.style.apply(to: cell.text) : cell.text
            case .row(let cells): line(cells, widths, isColoured)
            }
        }
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ isColoured: Bool) -> String {
        var line = ""
        // Spaces are held back until a cell follows, so that no line ends in them, coloured or not.
        var heldSpaces = 0
        for (column, cell) in cells.enumerated() {
            let text = cell.text.cut(to: widths[column]).withoutTrailingSpaces
            let padding = widths[column] - text.width
            if column > 0 { heldSpaces += 2 }
            if alignments[column] == .right { heldSpaces += padding }
            if !text.isEmpty {
                line += String(repeating: " ", count: heldSpaces)
                line += isColoured ? cell.style.apply(to: text) : text
                heldSpaces = 0
            }
            if alignments[column] == .left { heldSpaces += padding }
        }
        return line
    }
}

extension String {
    /// The number of characters. Most cells are ASCII, where it is the number of bytes.
    fileprivate var width: Int { utf8.allSatisfy { $0 < 0x80 } ? utf8.count : count }

    fileprivate func cut(to width: Int) -> String { self.width > width ? prefix(max(0, width - 1)) + "…" : self }

    fileprivate var withoutTrailingSpaces: String {
        guard last == " " else { return self }
        let end = lastIndex { $0 != " " }
        return end.map { String(self[...$0]) } ?? ""
    }
}
