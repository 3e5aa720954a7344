import Foundation
import Testing

/// Plays a transcript against a daemon: sends what its clients send, and waits for each line that they receive.
final class TranscriptPlayer {
    /// How clients write.
    enum Manner: String, CaseIterable, Sendable {
        case lineFeeds, carriageReturns, byteByByte

        fileprivate var lineEnd: String { self == .carriageReturns ? "\r\n" : "\n" }
        fileprivate var pieceBytes: Int { self == .byteByByte ? 1 : .max }
    }

    private let daemon: Daemon
    private let port: String
    private let manner: Manner
    private var clients: [Character: LineSocket] = [:]
    /// Those whose conversation is over.
    private var finished: Set<Character> = []
    /// What the words in angle brackets stand for.
    private var meanings: [String: String] = [:]
    /// What is missing of the bodies that a client has announced: the bytes of each, without the line end.
    private var missingBodies: [Character: [Int]] = [:]
    /// The lines of the body that a client is sending.
    private var bodyLines: [Character: [String]] = [:]
    private var observer: LineSocket?

    init(_ daemon: Daemon, _ manner: Manner) throws {
        self.daemon = daemon
        port = try daemon.port
        self.manner = manner
    }

    func play(_ transcript: Transcript) throws {
        for step in transcript.steps {
            do {
                try play(step)
            } catch {
                Issue.record("that was \(transcript.path):\(step.line)")
                throw error
            }
        }
        try expectNothingMore()
    }

    private func play(_ step: Transcript.Step) throws {
        switch step.action {
        case .sends(let name, let line): try send(line, by: name)
        case .halfCloses(let name): try client(name).halfClose()
        case .closes(let name):
            try client(name).close()
            finished.insert(name)
        case .receives(let name, let line):
            let received = try client(name).line()
            try #require(
                try matches(received, line), "\(name) received \(received ?? "the end"), not \(line)")
        case .seesTheEnd(let name):
            let received = try client(name).line()
            try #require(received == nil, "\(name) received \(received ?? ""), not the end")
            finished.insert(name)
        case .drains: daemon.program.send(signal: SIGUSR2)
        case .waits(let name, let times):
            try waitUntilParked(try client(name).address, times)
        }
    }

    private func client(_ name: Character) throws -> LineSocket {
        if let client = clients[name] { return client }
        let client = try LineSocket(port: port)
        clients[name] = client
        meanings[String(name)] = client.address
        return client
    }

    // MARK: Sending

    private func send(_ line: String, by name: Character) throws {
        if missingBodies[name]?.isEmpty == false { return try sendBody(line, by: name) }
        let line = try filledIn(line)
        missingBodies[name] = line.matches(of: #/ len=(\d+)(?= |$)/#).compactMap { Int($0.1) }
        try write(line + manner.lineEnd, by: name)
    }

    /// Lines of a body end in LF, however the client ends its own lines.
    private func sendBody(_ line: String, by name: Character) throws {
        let body = (bodyLines[name, default: []] + [line]).joined(separator: "\n")
        let length = missingBodies[name]?.first ?? 0
        try #require(body.utf8.count <= length, "the body is longer than len= says")
        guard body.utf8.count == length else {
            bodyLines[name, default: []].append(line)
            return
        }
        bodyLines[name] = nil
        missingBodies[name]?.removeFirst()
        try write(body + manner.lineEnd, by: name)
    }

    private func write(_ text: String, by name: Character) throws {
        try client(name).send(Array(text.utf8), inPiecesOf: manner.pieceBytes)
    }

    /// The line with the words that stand for something replaced by that.
    private func filledIn(_ line: String) throws -> String {
        var line = line
        for match in line.matches(of: #/<(\w+)>/#).reversed() {
            line.replaceSubrange(match.range, with: try #require(meanings[String(match.1)], "nobody knows \(match.0)"))
        }
        return line
    }

    // MARK: Receiving

    private func matches(_ received: String?, _ expected: String) throws -> Bool {
        guard let received else { return false }
        var pattern = ""
        var newWords: [String] = []
        var rest = expected[...]
        for match in expected.matches(of: #/<(?<word>\w+)>|\.\.\.|  +/#) {
            pattern += NSRegularExpression.escapedPattern(for: String(rest[..<match.range.lowerBound]))
            rest = rest[match.range.upperBound...]
            if let word = match.word.map(String.init) {
                if let meaning = meanings[word] {
                    pattern += NSRegularExpression.escapedPattern(for: meaning)
                } else {
                    pattern += "(\\S+)"
                    newWords.append(word)
                }
            } else {
                pattern += match.0 == "..." ? ".*" : " +"
            }
        }
        pattern += NSRegularExpression.escapedPattern(for: String(rest))
        let expression = try NSRegularExpression(pattern: "^\(pattern)$")
        let range = NSRange(received.startIndex..., in: received)
        guard let match = expression.firstMatch(in: received, range: range) else { return false }
        for (index, word) in newWords.enumerated() {
            guard let range = Range(match.range(at: index + 1), in: received) else { continue }
            meanings[word] = String(received[range])
        }
        return true
    }

    /// Checks that the transcript shows everything: nobody receives anything else, and nobody waits.
    private func expectNothingMore() throws {
        for (name, client) in clients where !finished.contains(name) {
            try client.send(Array("#end ping\n".utf8))
            let received = try client.line()
            try #require(received == "#end OK", "\(name) received \(received ?? "the end") after the transcript")
        }
    }

    // MARK: Looking

    private struct Waiters: Decodable {
        struct Waiter: Decodable {
            let client: String
        }

        let waiters: [Waiter]
    }

    /// Asks again and again until so many operations of a client wait.
    private func waitUntilParked(_ address: String, _ times: Int) throws {
        let end = ContinuousClock.now + .seconds(30)
        var count = try parkedCount(of: address)
        while count != times {
            try #require(ContinuousClock.now < end, "\(count) operations wait, not \(times)")
            count = try parkedCount(of: address)
        }
    }

    /// How many operations of a client wait, by what the daemon says.
    private func parkedCount(of address: String) throws -> Int {
        let observer = try observer ?? LineSocket(port: port)
        self.observer = observer
        try observer.send(Array("waiters format=json\n".utf8))
        try #require(try observer.line()?.hasPrefix("DATA ") == true)
        let report = try #require(try observer.line())
        return try JSONDecoder().decode(Waiters.self, from: Data(report.utf8)).waiters.count { $0.client == address }
    }
}
