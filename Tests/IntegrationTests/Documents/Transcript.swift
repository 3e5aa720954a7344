import Foundation
import Testing

/// A conversation of several clients with the daemon, as a document shows it.
///
/// Lines, in the order in which they happen: `A> line` is sent by client A, `A< line` is received by it; `A> (half-closes)`,
/// `A> (closes)` and `A< (closes)` tell how a connection ends; `(A waits)`, `(A waits 2 times)` is what the daemon knows
/// of client A; `(the server drains)` is a signal. In what is received, `<word>` stands for any word, and for the same one from then on, `<A>` for the address
/// of client A, `...` for anything, and two spaces or more for spaces.
struct Transcript: CustomTestStringConvertible, Sendable {
    /// In which document of the repository it stands.
    let path: String
    /// Under which heading of the document it stands.
    let heading: String
    /// Where in the document.
    let line: Int
    let steps: [Step]

    var testDescription: String { "\(heading), line \(line)" }

    struct Step: Sendable {
        let action: Action
        /// Where in the document.
        let line: Int
    }

    enum Action: Sendable, Equatable {
        case sends(Character, String)
        case halfCloses(Character)
        case closes(Character)
        case receives(Character, String)
        case seesTheEnd(Character)
        /// So many operations of the client are parked.
        case waits(Character, times: Int)
        /// The daemon is told to drain.
        case drains
    }

    /// The lines that are sent.
    var sentLines: [String] {
        steps.compactMap { if case .sends(_, let line) = $0.action { line } else { nil } }
    }
}

extension Transcript.Action {
    /// Nil if the line is none of these.
    init?(_ text: String) {
        if let match = text.wholeMatch(of: #/([A-Z])([<>])(?: (.*))?/#), let client = match.1.first {
            let line = String(match.3 ?? "")
            switch (match.2, line) {
            case (">", "(half-closes)"): self = .halfCloses(client)
            case (">", "(closes)"): self = .closes(client)
            case ("<", "(closes)"): self = .seesTheEnd(client)
            case (">", _): self = .sends(client, line)
            default: self = .receives(client, line)
            }
        } else if let match = text.wholeMatch(of: #/\(([A-Z]) waits(?: (\d+) times)?\)/#), let client = match.1.first {
            self = .waits(client, times: match.2.flatMap { Int($0) } ?? 1)
        } else if text == "(the server drains)" {
            self = .drains
        } else {
            return nil
        }
    }
}
