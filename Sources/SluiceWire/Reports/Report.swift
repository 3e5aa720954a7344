/// A report of the server about itself. A `DATA` reply carries it as a text for people, or as JSON with the names of
/// the properties as keys.
package protocol Report: Codable, Sendable {
    /// The report for a terminal, within eighty columns if names have ordinary lengths. The last line has no LF,
    /// because the reply adds it.
    var text: String { get }
}

/// The format of a report (`format=`).
package enum ReportFormat: String, CaseIterable, Sendable, Hashable {
    /// For people: aligned, and with units.
    case text
    /// For programs.
    case json

    static let vocabulary = Vocabulary<Self>()
}
