import SluiceWire
import Testing

@testable import SluiceWeb

@Suite struct ExchangeTests {
    private let jobs: ChannelName

    init() throws { jobs = try #require(ChannelName("jobs")) }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The status and the outcome of a response that ends an exchange; nil for another step.
    private func response(_ step: ExchangeStep) -> (status: Status, outcome: String)? {
        guard case .respond(let response) = step else { return nil }
        let outcome = response.headers.first { $0.hasPrefix("Sluice-Outcome: ") } ?? ""
        return (response.status, String(outcome.dropFirst("Sluice-Outcome: ".count)))
    }

    @Test("A send keeps no copy of its message once the hub has it")
    func send() {
        var exchange = SendExchange([0x68, 0x0A, 0x69], on: jobs, ["timeout=1s"], wantsAnswer: false)
        #expect(text(exchange.begin()) == "SEND timeout=1s len=3 jobs\nh\ni\n")
        #expect(exchange.begin().isEmpty)
        let end = response(exchange.receive(.ok([Attribute(.duplicate, flag: true)])))
        #expect(end?.status == .ok && end?.outcome == "OK dup=yes")
    }

    @Test("A receive is acknowledged after the delivery, and has no lease on a channel without leases")
    func receive() {
        let delivery = DeliveryID(serial: 7, slot: 1)
        var exchange = ReceiveExchange(from: jobs, timeout: nil)
        #expect(text(exchange.begin()) == "RECV timeout=50s lease=1h jobs\n")
        let message = Reply.message(jobs, [1], Attributes(CommonAttributes(delivery: delivery, attempt: 1, fence: 9)))
        guard case .deliver(let response) = exchange.receive(message) else { return #expect(Bool(false)) }
        #expect(response.headers.contains("Sluice-Outcome: MSG attempt=1 fence=9") && response.body == [1])
        #expect(exchange.delivered().map(text) == "ACK 7.1\n")

        var other = ReceiveExchange(from: jobs, timeout: "0")
        _ = other.begin()
        guard case .command(let command) = other.receive(.error(WireError(.conflict, "no leases"))) else {
            return #expect(Bool(false))
        }
        #expect(text(command) == "RECV timeout=0 jobs\n")
        #expect(self.response(other.receive(.error(WireError(.conflict, "again"))))?.status == .conflict)
        #expect(other.delivered() == nil)
    }

    @Test("The trace context of a message is a header if it is a traceparent, and a field of an event in any case")
    func traceContext() throws {
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for (word, isHeader) in [(valid, true), ("other", false)] {
            let context = try #require(TraceContext(word))
            let message = Reply.message(jobs, [0], [Attribute(context)])
            let response = Response(outcome: message)
            #expect(response.headers.contains("traceparent: \(word)") == isHeader)
            #expect(response.headers.contains("Sluice-Outcome: MSG trace=\(word)"))
            var stream = MessageStream(from: jobs)
            _ = stream.begin()
            guard case .events(let events) = stream.receive(message, SluiceWire.Tag("s")) else {
                return #expect(Bool(false))
            }
            #expect(events.map { text($0.bytes) } == ["event: base64\ntrace: \(word)\ndata: AA==\n\n"])
        }
    }

    @Test("A message of very many lines is written in base64, in little more than its length")
    func manyLines() {
        let few = ServerSentEvent(message: [UInt8](repeating: 0x0A, count: 999))
        #expect(few.name == nil && few.bytes.count == 1000 * 7 + 1)
        let many = ServerSentEvent(message: [UInt8](repeating: 0x0A, count: 90_000))
        #expect(many.name == "base64" && many.bytes.count < 121_000)
    }

    @Test(
        "Each reply of the hub has a status",
        arguments: [
            (Reply.ok([]), Status.ok, "OK"), (.timeout, .requestTimeout, "TIMEOUT"),
            (.maybe("timeout"), .inDoubt, "MAYBE timeout"),
            (.cancelled("draining"), .unavailable, "CANCELLED draining"),
            (.cancelled("dropped"), .conflict, "CANCELLED dropped"), (.cancelled(nil), .unavailable, "CANCELLED"),
            (.error(WireError(.draining, "")), .unavailable, "ERR draining"),
            (.error(WireError(.limit, "")), .tooManyRequests, "ERR limit"),
            (.error(WireError(.denied, "")), .forbidden, "ERR denied"),
            (.error(WireError(.authRequired, "")), .unauthorized, "ERR auth-required"),
            (.error(WireError(.tooBig, "")), .bodyTooLarge, "ERR too-big"),
            (.error(WireError(.badNumber, "")), .badRequest, "ERR bad-number"),
        ])
    func statuses(reply: Reply, status: Status, outcome: String) {
        #expect(reply.status == status && reply.outcome == outcome)
    }

    @Test("A reason of a client cannot add a header or a line")
    func hostileTexts() {
        let response = Response(outcome: .rejected(jobs, "a\r\nX: y", arm: nil))
        let lines = text(response.bytes(keepingAlive: true)).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(!lines.prefix { !$0.isEmpty }.contains { $0.hasPrefix("X:") })
    }

    @Test("An action on a delivery is one command, and ends the lease unless it is a touch")
    func actions() {
        let delivery = DeliveryID(serial: 7, slot: 1)
        let command = { (action: DeliveryAction) in text(action.command(for: delivery)) }
        #expect(command(.acknowledge(answer: [])) == "ACK 7.1\n")
        #expect(command(.acknowledge(answer: Array("a\nb".utf8))) == "ACK len=3 7.1\na\nb\n")
        #expect(command(.nack(delay: nil)) == "NACK 7.1\n")
        #expect(command(.nack(delay: "1s")) == "NACK delay=1s 7.1\n")
        #expect(command(.reject(reason: "a\nKILL client=x")) == "REJECT 7.1 a KILL client=x\n")
        #expect(command(.touch) == "TOUCH 7.1\n")
        #expect(DeliveryAction.nack(delay: nil).endsLease(with: .ok([])))
        #expect(!DeliveryAction.touch.endsLease(with: .ok([])))
        #expect(DeliveryAction.touch.endsLease(with: .error(WireError(.stale, ""))))
        #expect(!DeliveryAction.acknowledge(answer: []).endsLease(with: .error(WireError(.limit, ""))))
    }

    @Test("Tokens are long, and no two are equal")
    func tokens() {
        let tokens = (0..<100).map { _ in LeaseTable.makeToken() }
        #expect(Set(tokens).count == 100 && tokens.allSatisfy { $0.utf8.count == 32 })
    }
}
