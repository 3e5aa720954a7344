import SluiceWire
import Testing

@Suite struct RequestEncoderTests {
    private func encoded(_ command: Command) -> String {
        var out: [UInt8] = []
        Request(command: command).append(to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func receive(timeout: Duration? = nil, lease: Duration? = nil) throws -> Command {
        .receive(ReceiveCommand(channel: try channel("a"), timeout: timeout, lease: lease))
    }

    @Test("Encoded requests parse to the same requests")
    func whatIsEncodedIsParsed() throws {
        let found = try tag("a")
        let requests = try Examples.all().map { Request(tag: found, command: $0) }
        var bytes: [UInt8] = []
        for request in requests { request.append(to: &bytes) }
        let steps = RequestFeed.steps(of: bytes)
        #expect(steps.count == requests.count)
        for (step, request) in zip(steps, requests) { #expect(step == .request(request)) }
    }

    @Test("Encoded requests without tags parse to the same requests")
    func whatIsEncodedIsParsedWithoutATagToo() throws {
        for command in try Examples.all() where !Examples.needsTag(command) {
            var bytes: [UInt8] = []
            Request(command: command).append(to: &bytes)
            #expect(RequestFeed.steps(of: bytes) == [.request(Request(command: command))])
        }
    }

    @Test("The examples contain every verb")
    func theExamplesHaveEveryVerb() throws {
        #expect(Set(try Examples.all().map(\.verb)) == Set(Verb.allCases))
    }

    @Test("A message is sent as a body and never as a text")
    func aBodyNeverStandsInALine() throws {
        let command = SendCommand(channel: try channel("jobs"), body: Body("x\nQUIT\n"))
        #expect(encoded(.send(command)) == "SEND len=7 jobs\nx\nQUIT\n\n")
    }

    @Test(
        "Durations are rounded up to milliseconds",
        arguments: [
            (Duration.nanoseconds(1), "1ms"), (.microseconds(1001), "2ms"), (.seconds(-1), "0ms"),
            (.seconds(1), "1000ms"),
            (.seconds(Int64.max), "3153600000000ms"),
        ])
    func durationsAreRoundedUpToMilliseconds(_ duration: Duration, _ text: String) throws {
        #expect(encoded(try receive(timeout: duration)) == "RECV timeout=\(text) a\n")
        let nack = NackCommand(DeliveryID(serial: 7, slot: 9), delay: duration)
        #expect(encoded(.nack(nack)) == "NACK delay=\(text) 7.9\n")
    }

    @Test(
        "A lease is at least one millisecond",
        arguments: [
            (Duration.zero, "1ms"), (.seconds(-1), "1ms"), (.nanoseconds(1), "1ms"), (.microseconds(1001), "2ms"),
            (.seconds(Int64.max), "3153600000000ms"),
        ])
    func noLeaseIsShorterThanAMillisecond(_ lease: Duration, _ text: String) throws {
        #expect(encoded(try receive(lease: lease)) == "RECV lease=\(text) a\n")
        let arm = Arm.receive(try channel("a"), lease: lease)
        #expect(encoded(.select(SelectCommand(arms: [arm]))) == "SELECT recv lease=\(text) a\n")
    }

    @Test("Options with their default values are left out")
    func defaultsAreLeftOut() throws {
        let jobs = try channel("jobs")
        #expect(encoded(.open(OpenCommand(jobs, .rendezvous))) == "OPEN jobs\n")
        #expect(encoded(.join(JoinCommand(ChannelEnd(.receive, of: jobs)))) == "JOIN end=recv jobs\n")
        #expect(encoded(.inspect(Inspection(.server, format: .text))) == "INFO\n")
        #expect(encoded(.trace(TraceCommand())) == "TRACE\n")
        #expect(encoded(.poison(jobs, "")) == "POISON jobs\n")
        #expect(encoded(.barrier(BarrierCommand(jobs, parties: 2))) == "BARRIER parties=2 jobs\n")
    }

    @Test("Negative numbers are sent as zero")
    func negativeNumbersAreSentAsZero() throws {
        let command = SendCommand(channel: try channel("a"), body: [], minimumReceivers: .min)
        #expect(encoded(.send(command)) == "SEND need=0 len=0 a\n\n")
    }

    @Test(
        "A reason cannot end the line",
        arguments: ["x\nQUIT", "x\r\nQUIT\r\n", "\n", "x\u{85}\u{2028}y", String(repeating: "\n", count: 5000)])
    func noReasonEndsALine(_ reason: String) throws {
        let line = encoded(.poison(try channel("a"), reason))
        #expect(line.utf8.filter { $0 == 0x0A }.count == 1)
        let steps = RequestFeed.steps(of: line)
        #expect(steps.count == 1)
        #expect(steps.first?.command?.verb == .poison)
    }

    @Test("A token cannot end the line or the word", arguments: ["x\nQUIT", "x y", "x\r\nQUIT", " ", "\n"])
    func noTokenEndsALineOrAWord(_ token: String) throws {
        let steps = RequestFeed.steps(of: encoded(.authenticate(Credentials(try channel("a"), token: Body(token)))))
        #expect(steps.count == 1)
        guard case .authenticate(let credentials) = steps.first?.command else {
            Issue.record("\(steps)")
            return
        }
        #expect(credentials.token != Body(token))
        #expect(credentials.token.count == token.utf8.count)
    }
}
