import Foundation
import SluiceRuntime
import Synchronization
import Testing

/// Senders and receivers of messages under lease, each on a thread of its own, which work until the daemon closes; and what
/// they were told.
final class HandoffLoad: Sendable {
    private struct Books {
        /// What each message's sender was told of it: the first word of the reply.
        var outcomes: [String: String] = [:]
        /// How often the acknowledgement of each was sent, and answered with OK.
        var sent: [String: Int] = [:]
        var acknowledged: [String: Int] = [:]
        var problems: [String] = []
    }

    private let books = Lock(Books())
    private let deliveries = DispatchSemaphore(value: 0)
    private let threads = DispatchGroup()

    init(on port: String, pairs: Int) throws {
        for number in 0..<pairs {
            run { try $0.send(from: number, port) }
            run { try $0.receive(port) }
        }
    }

    private func run(_ body: @escaping @Sendable (HandoffLoad) throws -> Void) {
        threads.enter()
        Thread.detachNewThread { [self] in
            do { try body(self) } catch { books.withLock { $0.problems.append("\(error)") } }
            threads.leave()
        }
    }

    /// Returns once so many messages were acknowledged.
    func waitForDeliveries(_ count: Int) {
        for _ in 0..<count { deliveries.wait() }
    }

    // MARK: Work

    /// Sends four at a time, and waits for what becomes of them.
    private func send(from number: Int, _ port: String) throws {
        let socket = try LineSocket(port: port)
        for batch in 0... {
            let messages = (0..<4).map { "\(number)-\(batch)-\($0)" }
            try socket.send(Array(messages.map { "#\($0) send jobs \($0)\n" }.joined().utf8))
            for _ in messages {
                guard let line = try socket.line() else { return }
                let words = line.split(separator: " ").map(String.init)
                try #require(words.count > 1)
                books.withLock { $0.outcomes[String(words[0].dropFirst())] = words[1] }
                if words[1] != "OK", words.last != "draining", words[1] != "ERR" {
                    books.withLock { $0.problems.append(line) }
                }
            }
        }
    }

    private func receive(_ port: String) throws {
        let socket = try LineSocket(port: port)
        while let head = try socket.answer(to: "recv lease=1h jobs") {
            guard let delivery = head.firstMatch(of: #/^MSG .* did=(\S+)/#)?.1 else { continue }
            let message = try #require(try socket.line())
            books.withLock { $0.sent[message, default: 0] += 1 }
            guard let reply = try socket.answer(to: "ack \(delivery)") else { return }
            try #require(reply == "OK")
            books.withLock { $0.acknowledged[message, default: 0] += 1 }
            deliveries.signal()
        }
    }

    // MARK: Judgement

    /// Waits for the end of all, and checks what each was told against what the others were.
    func expectOnlyTrueOutcomes(location: SourceLocation = #_sourceLocation) {
        threads.wait()
        books.withLock { books in
            #expect(books.problems.isEmpty, sourceLocation: location)
            #expect(books.sent.values.allSatisfy { $0 == 1 }, sourceLocation: location)
            for (message, outcome) in books.outcomes {
                let isAcknowledged = books.acknowledged[message] != nil
                // Whoever has a message acknowledges it, so nobody is left in doubt.
                #expect(isAcknowledged == (outcome == "OK"), "\(message): \(outcome)", sourceLocation: location)
                #expect(outcome != "MAYBE", "\(message)", sourceLocation: location)
            }
            #expect(Set(books.acknowledged.keys).isSubset(of: books.outcomes.keys), sourceLocation: location)
        }
    }
}
