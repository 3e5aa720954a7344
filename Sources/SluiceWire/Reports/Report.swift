/// What the server tells about itself, as the body of a `DATA` reply: a text for people, or JSON, whose keys are the
/// names of the properties.
package protocol Report: Codable, Sendable {
    /// The report for a terminal of eighty columns, as long as names are of ordinary length. Lines end in LF, but for
    /// the last, whose end the reply adds.
    var text: String { get }
}

/// For whom a report is made (`format=`).
package enum ReportFormat: String, CaseIterable, Sendable, Hashable {
    /// For people: aligned, with units.
    case text
    /// For programs.
    case json

    static let vocabulary = Vocabulary<Self>()
}
