/// A report of the server about itself. A `DATA` reply carries it as a text for people, or as JSON with the names of
/// the properties as keys.
package protocol Report: Codable, Sendable {
    /// The report for a terminal, within eighty columns if names have ordinary lengths. The last line has no LF,
    /// because the reply adds it.
    var text: String { get }
}

/// A report that consists of rows and comes in pages.
package protocol PagedReport: Report {
    associatedtype Row: Codable, Sendable

    associatedtype Text: ReportText where Text.Row == Row

    /// The name of the property that holds the rows.
    static var rowsKey: String { get }
    /// The text of a report without rows.
    static var emptyText: String { get }

    /// - Parameter omitted: the number of rows after the last one of this page.
    init(rows: [Row], omitted: Int)

    var rows: [Row] { get }
    /// The number of rows after the last one of this page.
    var omittedRows: Int { get }
}

/// The text of a report, which grows by a row at a time and is then read in pieces.
package protocol ReportText {
    associatedtype Row

    init()
    /// Adds a row, unless the text would then have more than `maxBytes`. The first row is always added.
    ///
    /// - Returns: whether the row was added.
    mutating func append(_ row: Row, within maxBytes: Int) -> Bool
    /// The number of pieces.
    var count: Int { get }
    /// Returns a piece, which ends in a line end.
    func piece(at index: Int) -> String
}

/// A report whose text is a table.
package protocol TableReport: PagedReport {
    /// A table with the headings of the columns.
    static var emptyTable: TextTable { get }
    /// The cells of a row.
    static func cells(of row: Row) -> [String?]
}

extension TableReport {
    static func text(of rows: [Row], omitted: Int) -> String {
        if rows.isEmpty, omitted == 0 { return emptyText }
        var table = emptyTable
        for row in rows { table.append(cells(of: row).map { TextTable.Cell(text: $0) }) }
        return table.text(omitted: omitted)
    }
}

/// The text of a report that is a table.
package struct TableText<Report: TableReport>: ReportText {
    private var table = Report.emptyTable

    package init() {}

    package mutating func append(_ row: Report.Row, within maxBytes: Int) -> Bool {
        table.append(Report.cells(of: row).map { TextTable.Cell(text: $0) }, within: maxBytes)
    }

    package var count: Int { table.count }
    package func piece(at index: Int) -> String { table.line(at: index) + "\n" }
}

/// The format of a report (`format=`).
package enum ReportFormat: String, CaseIterable, Sendable, Hashable {
    /// For people: aligned, and with units.
    case text
    /// For programs.
    case json

    static let vocabulary = Vocabulary<Self>()
}
