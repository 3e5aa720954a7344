import Foundation
import TestSupport
import Testing

/// Reports and metrics of the web door.
@Suite(.bounded) struct WebReportTests {
    @Test("A report is the JSON of the line protocol, in pages")
    func reports() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        for number in 1...3 { #expect(try line.answer(to: "open cap=1 jobs/\(number)") == "OK") }
        #expect(try line.answer(to: "send jobs/1 x") == "OK")
        for report in ["info", "channels", "waiters", "clients", "stuck"] {
            let body = try daemon.curl("/v1/\(report)")
            #expect(body.hasSuffix("\n|200"), "\(report): \(body)")
            #expect(try JSONSerialization.jsonObject(with: Data(body.dropLast(5).utf8)) is [String: Any])
        }
        try line.send(Array("channels format=json\n".utf8))
        _ = try line.line()
        #expect(try daemon.curl("/v1/channels") == "\(try #require(try line.line()))\n|200")

        let socket = try HTTPSocket(to: daemon)
        var names: [String] = []
        var more: String? = ""
        while let key = more {
            let after = key.isEmpty ? "" : "&after=\(key)"
            try socket.send("GET /v1/channels?prefix=jobs/&limit=2\(after) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let response = try #require(try socket.response())
            #expect(response.headers["content-type"] == "application/json")
            names += response.body.matches(of: #/"name":"([^"]*)"/#).map { String($0.1) }
            more = response.headers["sluice-more"]
        }
        #expect(names == ["jobs/1", "jobs/2", "jobs/3"])
        for path in ["/v1/info?after=x", "/v1/channels?limit=0", "/v1/channels?after=%20", "/v1/clients?after=x"] {
            #expect(try daemon.curl(path).hasSuffix("|400"), "\(path)")
        }
        #expect(try daemon.curl("/v1/nothing").hasSuffix("|404"))
    }

    @Test("The metrics agree with the reports")
    func metrics() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        #expect(try line.answer(to: "open cap=5 jobs/a") == "OK")
        #expect(try line.answer(to: "open cap=5 jobs/b") == "OK")
        #expect(try line.answer(to: "send jobs/a x") == "OK")
        #expect(try line.answer(to: "send jobs/b x") == "OK")
        #expect(try line.answer(to: "recv jobs/a") == "MSG jobs/a 1")
        _ = try line.line()
        let text = try daemon.curl("/metrics")
        #expect(text.hasSuffix("\n|200"))
        for sample in [
            "sluice_handoffs_total 1", "sluice_channels 2", "sluice_buffered_messages 1", "sluice_draining 0",
            "sluice_prefix_channels{prefix=\"jobs\"} 2", "sluice_prefix_buffered_messages{prefix=\"jobs\"} 1",
            "sluice_omitted_channels 0",
        ] { #expect(text.contains("\n\(sample)\n"), "\(sample)") }
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix("|") }
        for sample in samples {
            #expect(
                sample.wholeMatch(of: #/sluice_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+/#) != nil,
                "\(sample)")
        }
        #expect(Set(samples.map { $0.split(separator: " ")[0] }).count == samples.count)
    }

    @Test("Many prefixes make at most 1 000 series")
    func manyPrefixes() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        try line.send(Array((0..<2000).map { "open cap=1 c\($0)/x\n" }.joined().utf8))
        for _ in 0..<2000 { #expect(try line.line() == "OK") }
        let text = try daemon.curl("/metrics")
        #expect(text.split(separator: "\n").count { !$0.hasPrefix("#") } < 1000)
        #expect(text.contains("sluice_prefix_channels{prefix=\"\"} 1900"))
    }

    @Test("Reports and metrics contain what the principal may see")
    func permissions() throws {
        let file = TemporaryFile(
            "principals",
            containing: """
                principals:
                  # s3cret and hidden
                  worker: {tokens: ["sha256:1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"], allow: {recv: ["jobs/"]}}
                  ops: {tokens: ["sha256:e564b4081d7a9ea4b00dada53bdae70c99b87b6fce869f0c3dd4d2bfa1e53e1c"], allow: {inspect: all}}

                """)
        let daemon = try WebDaemon(environment: ["SLUICED_PRINCIPALS_FILE": file.path])
        for path in ["/v1/info", "/v1/channels", "/metrics"] {
            #expect(try daemon.curl(path).hasSuffix("|401"), "\(path)")
            #expect(try daemon.curl("-u", "worker:s3cret", path).hasSuffix("|403"), "\(path)")
            #expect(try daemon.curl("-u", "ops:hidden", path).hasSuffix("|200"), "\(path)")
        }
    }
}
