import Foundation
import Testing

/// Plays a transcript against a daemon: sends the lines of its clients and waits for each line that they receive.
final class TranscriptPlayer {
    /// How the clients end their lines and split them into writes.
    enum Manner: String, CaseIterable, Sendable {
        case lineFeeds, carriageReturns, byteByByte

        fileprivate var lineEnd: String { self == .carriageReturns ? "\r\n" : "\n" }
        fileprivate var pieceBytes: Int { self == .byteByByte ? 1 : .max }
    }

    private let daemon: Daemon
    private let port: String
    private let manner: Manner
    private var clients: [Character: LineSocket] = [:]
    /// The clients whose connection has ended.
    private var finished: Set<Character> = []
    /// The values of the words in angle brackets.
    private var meanings: [String: String] = [:]
    /// The lengths of the bodies that a client has announced and not sent yet.
    private var missingBodies: [Character: [Int]] = [:]
    /// The lines of the body that a client is sending, as far as it has got.
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
                Issue.record("the step is at \(transcript.path):\(step.line)")
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

    /// Sends a line of a body. It ends in LF, however the client ends its command lines.
    private func sendBody(_ line: String, by name: Character) throws {
        let body = (bodyLines[name, default: []] + [line]).joined(separator: "\n")
        let length = missingBodies[name]?.first ?? 0
        try #require(body.utf8.count <= length, "the body is longer than its len=")
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

    /// Returns the line with each word in angle brackets replaced by its value.
    private func filledIn(_ line: String) throws -> String {
        var line = line
        for match in line.matches(of: #/<(\w+)>/#).reversed() {
            line.replaceSubrange(
                match.range, with: try #require(meanings[String(match.1)], "\(match.0) has no value yet"))
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

    /// Checks that the transcript is complete: no client receives anything else, and none is waiting.
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

    /// Asks repeatedly until that many operations of a client wait. Gives up after 30 seconds.
    private func waitUntilParked(_ address: String, _ times: Int) throws {
        let end = ContinuousClock.now + .seconds(30)
        var count = try parkedCount(of: address)
        while count != times {
            try #require(ContinuousClock.now < end, "\(count) operations wait instead of \(times)")
            count = try parkedCount(of: address)
        }
    }

    /// Returns how many operations of a client wait, according to the daemon.
    private func parkedCount(of address: String) throws -> Int {
        let observer = try observer ?? LineSocket(port: port)
        self.observer = observer
        try observer.send(Array("waiters format=json\n".utf8))
        try #require(try observer.line()?.hasPrefix("DATA ") == true)
        let report = try #require(try observer.line())
        return try JSONDecoder().decode(Waiters.self, from: Data(report.utf8)).waiters.count { $0.client == address }
    }
}
