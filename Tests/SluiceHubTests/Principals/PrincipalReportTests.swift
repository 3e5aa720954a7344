import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// What a principal sees in reports.
@Suite(.bounded) struct PrincipalReportTests {
    /// Reads all pages of the reports that the client may have, as one text.
    private func everything(_ client: Client, _ format: ReportFormat) async throws -> [String: String] {
        var texts: [String: String] = [:]
        for verb in ["INFO", "CHANNELS", "WAITERS", "WAITERS secret", "CLIENTS", "STUCK"] {
            let words = verb.split(separator: " ")
            let line = "\(words[0]) format=\(format.rawValue)" + (words.count > 1 ? " \(words[1])" : "")
            try await client.say(line + "\n")
            let reply = try await client.hearLine()
            guard reply.hasPrefix("DATA "), let length = Int(reply.split(separator: " ")[1]) else {
                texts[verb] = reply
                continue
            }
            var body = ""
            while body.utf8.count < length + 1 { body += try await client.hearLine() + "\n" }
            texts[verb] = body
        }
        return texts
    }

    /// Sets up a hub with much to see: a worker that takes part in some channels, and others that use a secret one.
    private func scene(
        _ permissions: Permissions, _ body: @escaping @Sendable (HubService, Client) async throws -> Void
    ) throws {
        try HubService.run(principals: .named(["worker": permissions])) { service in
            let root = try await service.connect(as: "root")
            let (other, worker) = (try await service.connect(as: "root"), try await service.connect(as: "worker"))
            // The dead channel of a channel that the worker uses, a select with both, a lease, ends, and a cycle.
            try await root.say("OPEN cap=5 secret/dead\nOPEN dead=secret/dead cap=9 jobs/a\n")
            try await root.hear("OK\nOK\n")
            try await root.say(
                "#1 SELECT recv secret | recv jobs/b | barrier secret/start\n#2 RECV secret\n#3 TRACE secret\n")
            try await service.parked(3)
            try await root.say("JOIN end=recv ring/1\nJOIN end=send ring/2\n")
            try await root.hear("OK\nOK\n")
            try await other.say("JOIN end=send ring/1\nJOIN end=recv ring/2\nNAME hidden\n#x SEND ring/2 x\n")
            try await other.hear("OK\nOK\nOK\n")
            try await service.parked(4)
            try await other.say("#y RECV ring/2\n")
            try await other.hear("#y MSG ring/2 1\nx\n#x OK\n")
            try await other.say("#z RECV ring/2\n")
            try await worker.say("#1 RECV jobs/b\n")
            try await service.parked(5)
            try await worker.say("#2 SELECT recv jobs/c | send jobs/d x\nRECV timeout=0 jobs/a\n")
            try await worker.hear("TIMEOUT\n")
            try await body(service, worker)
        }
    }

    @Test(
        "With inspect: own, a report names only the principal's channels and connections",
        arguments: [ReportFormat.text, .json])
    func own(format: ReportFormat) throws {
        try scene(.allowing(.receive, .send, on: "jobs/", inspecting: .own)) { service, worker in
            let texts = try await everything(worker, format)
            for (verb, text) in texts {
                for hidden in ["secret", "ring", "root", "hidden"] {
                    #expect(!text.contains(hidden), "\(verb): \(text)")
                }
            }
            #expect(texts["INFO"] == "ERR denied \(noPermission("INFO"))")
            for name in ["jobs/a", "jobs/b", "jobs/c", "jobs/d"] {
                #expect(texts["CHANNELS"]?.contains(name) == true, "\(name)")
            }
            #expect(texts["WAITERS"]?.contains("jobs/d") == true)
            #expect(texts["CLIENTS"]?.contains("worker") == true)
        }
    }

    @Test(
        "With prefixes, a report names only the channels that begin with them", arguments: [ReportFormat.text, .json])
    func prefixes(format: ReportFormat) throws {
        var permissions = Permissions.allowing(.receive, .send, on: "jobs/")
        permissions.allow(.inspect, on: "jobs/b")
        try scene(permissions) { service, worker in
            let texts = try await everything(worker, format)
            for (verb, text) in texts {
                for hidden in ["secret", "ring", "jobs/a", "jobs/c", "jobs/d", "hidden"] {
                    #expect(!text.contains(hidden), "\(verb): \(text)")
                }
            }
            // The select of another client waits there as well.
            #expect(texts["WAITERS"]?.contains("recv jobs/b") == true)
            #expect(texts["CHANNELS"]?.contains("jobs/b") == true)
        }
    }

    @Test("With inspect: all, only denied channels are hidden", arguments: [ReportFormat.text, .json])
    func allButDenied(format: ReportFormat) throws {
        let permissions = Permissions.allowing(.receive, .send, on: "jobs/", inspecting: .everything).denying(
            .inspect, on: "secret")
        try scene(permissions) { service, worker in
            let texts = try await everything(worker, format)
            for (verb, text) in texts { #expect(!text.contains("secret"), "\(verb): \(text)") }
            #expect(texts["CHANNELS"]?.contains("ring/1") == true)
            #expect(texts["CLIENTS"]?.contains("hidden") == true)
            #expect(texts["INFO"]?.contains("ERR") == false)
        }
    }

    @Test("Without inspect, no report is permitted")
    func nothing() throws {
        try scene(.allowing(.receive, .send, on: "jobs/")) { service, worker in
            for (verb, text) in try await everything(worker, .text) {
                #expect(text == "ERR denied \(noPermission(verb == "WAITERS secret" ? "WAITERS" : verb))")
            }
        }
    }

    @Test("Pages show all channels in which the principal takes part, and no others")
    func pages() throws {
        var hub = TestHub(["worker": .allowing(.receive, inspecting: .own)])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        for number in 10..<40 {
            _ = try hub.open("c/\(number)", by: root)
            if number % 2 == 0 { _ = try hub.receive(from: "c/\(number)", by: worker, tag: "t\(number)") }
        }
        var names: [String] = []
        var after: ChannelName?
        var omitted = 1
        while omitted > 0 {
            let grant = try #require(hub.machine.clients[worker]).grant
            let view = ReportView(grant, worker, after: after, limit: 4)
            while !view.gather(hub.machine, steps: 10) {}
            let report = hub.machine.page(ChannelScan(prefix: nil, after: after, limit: 4, view))
            names += report.channels.map(\.name)
            after = try report.channels.last.map { try channel($0.name) }
            omitted = report.omitted
            try #require(report.channels.count <= 4 && !report.channels.isEmpty)
        }
        #expect(names == stride(from: 10, to: 40, by: 2).map { "c/\($0)" })
    }

    @Test("An anonymous client with inspect: own sees only its own connection")
    func anonymous() throws {
        let anonymous = Permissions.allowing(.receive, inspecting: .own)
        try HubService.run(principals: .named([:], anonymous: anonymous)) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            try await first.say("#1 RECV mine\n")
            try await second.say("#1 RECV yours\n")
            try await service.parked(2)
            let texts = try await everything(first, .json)
            #expect(texts["CHANNELS"]?.contains("mine") == true && texts["CHANNELS"]?.contains("yours") == false)
            #expect(texts["CLIENTS"]?.split(separator: "address").count == 2)
        }
    }

    @Test("TRACE shows the handoffs on permitted channels only")
    func traces() throws {
        try HubService.run(principals: .named(["worker": .allowing(.trace, on: "jobs/")])) { service in
            let (root, worker) = (try await service.connect(as: "root"), try await service.connect(as: "worker"))
            try await worker.say("#t TRACE format=json\n")
            try await service.parked(1)
            for name in ["other", "jobs/a"] {
                try await root.say("#r RECV \(name)\nSEND \(name) x\n")
                try await root.hear("OK\n#r MSG \(name) 1\nx\n")
            }
            #expect(try await worker.hearLine().hasPrefix("#t DATA"))
            #expect(try await worker.hearLine().contains("jobs/a"))
        }
    }
}
