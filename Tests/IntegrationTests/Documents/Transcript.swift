import Foundation
import Testing

/// A conversation of several clients with the daemon, as a document shows it.
///
/// Each line is a step, and the steps happen in the order of the lines:
///
/// - `A> line`: client A sends the line. `A< line`: client A receives the line.
/// - `A> (half-closes)`, `A> (closes)`: client A ends its sending side, or the connection.
/// - `A< (closes)`: the daemon closes client A's connection.
/// - `(A waits)`, `(A waits 2 times)`: the daemon has parked that many operations of client A.
/// - `(the server drains)`: the daemon gets SIGUSR2.
///
/// In a line that a client receives, `<word>` matches any word and then that same word, `<A>` matches the address of
/// client A, `...` matches anything, and two or more spaces match any number of spaces.
struct Transcript: CustomTestStringConvertible, Sendable {
    /// The document, as a path in the repository.
    let path: String
    /// The heading of its section.
    let heading: String
    /// The number of its last line in the document.
    let line: Int
    let steps: [Step]

    var testDescription: String { "\(heading), line \(line)" }

    struct Step: Sendable {
        let action: Action
        /// The number of its line in the document.
        let line: Int
    }

    enum Action: Sendable, Equatable {
        case sends(Character, String)
        case halfCloses(Character)
        case closes(Character)
        case receives(Character, String)
        case seesTheEnd(Character)
        /// The daemon has parked that many operations of the client.
        case waits(Character, times: Int)
        /// The daemon gets the signal to drain.
        case drains
    }

    /// The lines that the clients send.
    var sentLines: [String] {
        steps.compactMap { if case .sends(_, let line) = $0.action { line } else { nil } }
    }
}

extension Transcript.Action {
    /// Returns nil if the line is not a step.
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
