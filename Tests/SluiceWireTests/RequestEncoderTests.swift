import SluiceWire
import Testing

@Suite struct RequestEncoderTests {
    private func encoded(_ request: Request) -> String {
        var out: [UInt8] = []
        request.append(to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func examples() throws -> [Command] {
        let jobs = try channel("jobs")
        let arms: [Arm] = [
            .receive(jobs), .send(jobs, Body("a | b\nQUIT\n")), .send(jobs, []), .receive(try channel("a/b")),
            .send(jobs, Body("\r")),
        ]
        return [
            .hello, .ping([]), .ping(Body("hi")), .ping(Body("\nQUIT\r\n")), .quit, .help(nil), .cancel(try tag("a.1")),
            .send(SendCommand(channel: jobs, body: [])),
            .send(
                SendCommand(channel: jobs, body: Body("len=5 jobs\nQUIT\r"), timeout: .seconds(5), waitsAfterEOF: true)),
            .send(SendCommand(channel: jobs, body: Body(0...255), timeout: .zero)),
            .receive(ReceiveCommand(channel: jobs)),
            .receive(ReceiveCommand(channel: jobs, timeout: .milliseconds(1), waitsAfterEOF: true)),
            .select(SelectCommand(arms: arms)), .select(SelectCommand(arms: arms, hasElse: true, order: .first)),
            .select(SelectCommand(arms: arms, order: .random, timeout: .seconds(3600), waitsAfterEOF: true)),
        ] + Verb.allCases.map { .help($0) }
    }

    @Test func whatIsEncodedIsParsed() throws {
        for found in [nil, try tag("a")] {
            let requests = try examples().map { Request(tag: found, command: $0) }
            var bytes: [UInt8] = []
            for request in requests { request.append(to: &bytes) }
            #expect(Conversation.steps(of: bytes) == requests.map(RequestParser.Step.request))
        }
    }

    @Test func theExamplesHaveEveryVerb() throws {
        #expect(Set(try examples().map(\.verb)) == Set(Verb.allCases))
    }

    @Test func aBodyNeverStandsInALine() throws {
        let command = SendCommand(channel: try channel("jobs"), body: Body("x\nQUIT\n"))
        #expect(encoded(Request(command: .send(command))) == "SEND len=7 jobs\nx\nQUIT\n\n")
    }

    @Test(arguments: [
        (Duration.nanoseconds(1), "1ms"), (.microseconds(1001), "2ms"), (.seconds(-1), "0ms"), (.seconds(1), "1000ms"),
        (.seconds(Int64.max), "3153600000000ms"),
    ])
    func durationsAreRoundedUpToMilliseconds(_ duration: Duration, _ text: String) throws {
        let command = ReceiveCommand(channel: try channel("a"), timeout: duration)
        #expect(encoded(Request(command: .receive(command))) == "RECV timeout=\(text) a\n")
    }
}
