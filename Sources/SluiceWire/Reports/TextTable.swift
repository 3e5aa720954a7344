/// Rows of cells in aligned columns, beneath a row of headings: two spaces between columns, none at the end of a line.
///
/// Widths are counted in bytes, so what may be other than ASCII belongs into the last column, which is not padded.
package struct TextTable: Sendable {
    package struct Column: Sendable {
        let heading: String
        let isNumber: Bool

        /// A column of words, aligned on the left.
        package static func text(_ heading: String) -> Column { Column(heading: heading, isNumber: false) }
        /// A column of numbers or of amounts with a unit, aligned on the right.
        package static func number(_ heading: String) -> Column { Column(heading: heading, isNumber: true) }
    }

    private let columns: [Column]
    private var rows: [[String]]
    private var widths: [Int]

    package init(_ columns: Column...) {
        self.columns = columns
        rows = [columns.map(\.heading)]
        widths = columns.map { $0.heading.utf8.count }
    }

    /// Adds a row with a cell for every column; nil is shown as a hyphen.
    package mutating func append(_ cells: String?...) {
        precondition(cells.count == columns.count, "a row has a cell for every column")
        let row = cells.map { $0 ?? "-" }
        for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.utf8.count) }
        rows.append(row)
    }

    /// The table, and a last line that says how many rows were left out, if any were.
    ///
    /// Lines end in LF, but for the last.
    package func text(omitted: Int = 0) -> String {
        var lines: [UInt8] = []
        lines.reserveCapacity(rows.count * widths.reduce(0) { $0 + $1 + 2 })
        for row in rows {
            if !lines.isEmpty { lines.append(.lineFeed) }
            append(row, to: &lines)
        }
        if omitted > 0 { lines.append(contentsOf: "\n... and \(String(readable: omitted)) more".utf8) }
        return String(decoding: lines, as: UTF8.self)
    }

    private func append(_ row: [String], to lines: inout [UInt8]) {
        let start = lines.count
        for (index, cell) in row.enumerated() {
            if index > 0 { lines.append(contentsOf: [.space, .space]) }
            let padding = repeatElement(UInt8.space, count: widths[index] - cell.utf8.count)
            if columns[index].isNumber { lines.append(contentsOf: padding) }
            lines.append(contentsOf: cell.utf8)
            if !columns[index].isNumber, index < row.count - 1 { lines.append(contentsOf: padding) }
        }
        while lines.count > start, lines.last == .space { lines.removeLast() }
    }
}
