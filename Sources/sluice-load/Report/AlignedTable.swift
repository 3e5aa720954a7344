/// Cells in aligned columns for a terminal, with notes of free text between the rows.
///
/// Widths are counted in characters: units such as µs and × are more than a byte.
struct AlignedTable: Sendable {
    struct Cell: Sendable {
        var text: String
        var style: TextStyle

        init(_ text: String?, _ style: TextStyle = .plain) {
            self.text = (text ?? Quantity.absent).printable
            self.style = style
        }
    }

    enum Alignment: Sendable { case left, right }

    private enum Line: Sendable {
        case row([Cell])
        case note(Cell)
    }

    private let alignments: [Alignment]
    private var lines: [Line] = []

    init(_ alignments: [Alignment]) { self.alignments = alignments }

    /// Adds a row with a cell for every column.
    mutating func append(_ cells: [Cell]) {
        precondition(cells.count == alignments.count, "a row has a cell for every column")
        lines.append(.row(cells))
    }

    /// Adds text that takes no part in the columns.
    mutating func appendNote(_ text: String, _ style: TextStyle = .plain) { lines.append(.note(Cell(text, style))) }

    /// The lines, none of which ends in a space. Where the columns are wider than the width, the first one is cut, down
    /// to a few characters: numbers are always whole.
    func lines(width: Int, isColoured: Bool) -> [String] {
        var widths = columnWidths
        let excess = widths.reduce(2 * (widths.count - 1), +) - width
        if excess > 0, let first = widths.first { widths[0] = min(first, max(8, first - excess)) }
        return lines.map { line in
            switch line {
            case .note(let cell): rendered(cell, isColoured)
            case .row(let cells): row(cells, widths, isColoured)
            }
        }
    }

    private var columnWidths: [Int] {
        var widths = alignments.map { _ in 0 }
        for case .row(let cells) in lines {
            for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        return widths
    }

    private func row(_ cells: [Cell], _ widths: [Int], _ isColoured: Bool) -> String {
        var text = ""
        // Held back until something follows, so that no line ends in spaces, coloured or not.
        var pending = 0
        for (column, cell) in cells.enumerated() {
            let cut = Cell(cell.text.cut(to: widths[column]), cell.style)
            let padding = widths[column] - cut.text.count
            if column > 0 { pending += 2 }
            if alignments[column] == .right { pending += padding }
            if !cut.text.isEmpty {
                text += String(repeating: " ", count: pending) + rendered(cut, isColoured)
                pending = 0
            }
            if alignments[column] == .left { pending += padding }
        }
        return text
    }

    private func rendered(_ cell: Cell, _ isColoured: Bool) -> String {
        isColoured ? cell.style.apply(to: cell.text) : cell.text
    }
}

extension String {
    fileprivate func cut(to width: Int) -> String { count > width ? prefix(max(0, width - 1)) + "…" : self }
}
