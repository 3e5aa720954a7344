import Foundation
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

/// Senders and receivers of leased messages, each on a thread of its own, which work until the daemon stops. All replies
/// are recorded.
final class HandoffLoad: Sendable {
    private struct Record {
        /// The first word of the reply to each message's sender.
        var outcomes: [String: String] = [:]
        /// The number of acks that were sent, and that were answered OK, for each message.
        var sent: [String: Int] = [:]
        var acknowledged: [String: Int] = [:]
        var problems: [String] = []
    }

    private let record = Lock(Record())
    private let deliveries = DispatchSemaphore(value: 0)
    private let threads = DispatchGroup()

    init(on port: String, pairs: Int) throws {
        // All have connected before the test goes on, because the daemon may end as soon as some messages have passed.
        // Each socket is used on its own thread only.
        for number in 0..<pairs {
            nonisolated(unsafe) let (sender, receiver) = (try LineSocket(port: port), try LineSocket(port: port))
            run { try $0.send(from: number, over: sender) }
            run { try $0.receive(over: receiver) }
        }
    }

    private func run(_ body: @escaping @Sendable (HandoffLoad) throws -> Void) {
        threads.enter()
        onOwnThread { [self] in
            do { try body(self) } catch { record.withLock { $0.problems.append("\(error)") } }
            threads.leave()
        }
    }

    /// Waits until `count` messages were acknowledged.
    func waitForDeliveries(_ count: Int, location: SourceLocation = #_sourceLocation) {
        for _ in 0..<count where deliveries.wait(timeout: .now() + 30) == .timedOut {
            Issue.record("no message was acknowledged within 30 seconds", sourceLocation: location)
            return
        }
    }

    // MARK: Work

    /// Sends four messages at a time, and waits for their replies.
    private func send(from number: Int, over socket: LineSocket) throws {
        for batch in 0... {
            let messages = (0..<4).map { "\(number)-\(batch)-\($0)" }
            try socket.send(Array(messages.map { "#\($0) send jobs \($0)\n" }.joined().utf8))
            for _ in messages {
                guard let line = try socket.line() else { return }
                let words = line.split(separator: " ").map(String.init)
                try #require(words.count > 1)
                record.withLock { $0.outcomes[String(words[0].dropFirst())] = words[1] }
                if words[1] != "OK", words.last != "draining", words[1] != "ERR" {
                    record.withLock { $0.problems.append(line) }
                }
            }
        }
    }

    private func receive(over socket: LineSocket) throws {
        while let head = try socket.answer(to: "recv lease=1h jobs") {
            guard let delivery = head.firstMatch(of: #/^MSG .* did=(\S+)/#)?.1 else { continue }
            let message = try #require(try socket.line())
            record.withLock { $0.sent[message, default: 0] += 1 }
            guard let reply = try socket.answer(to: "ack \(delivery)") else { return }
            try #require(reply == "OK")
            record.withLock { $0.acknowledged[message, default: 0] += 1 }
            deliveries.signal()
        }
    }

    // MARK: Checks

    /// Waits until all threads have ended, and checks the senders' replies against the receivers'.
    func expectOnlyTrueOutcomes(location: SourceLocation = #_sourceLocation) {
        #expect(threads.wait(timeout: .now() + 30) == .success, "the clients still wait", sourceLocation: location)
        record.withLock { record in
            #expect(record.problems.isEmpty, sourceLocation: location)
            #expect(record.sent.values.allSatisfy { $0 == 1 }, sourceLocation: location)
            for (message, outcome) in record.outcomes {
                let isAcknowledged = record.acknowledged[message] != nil
                // Every receiver acknowledges its message, so no sender is answered MAYBE.
                #expect(isAcknowledged == (outcome == "OK"), "\(message): \(outcome)", sourceLocation: location)
                #expect(outcome != "MAYBE", "\(message)", sourceLocation: location)
            }
            #expect(Set(record.acknowledged.keys).isSubset(of: record.outcomes.keys), sourceLocation: location)
        }
    }
}
