import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Changed permissions apply at once to the clients that are connected.
@Suite(.bounded) struct ChangedPermissionTests {
    @Test(
        "A waiting command that is no longer permitted gets ERR denied",
        arguments: [
            ("SEND jobs/a x", "SEND jobs/a"), ("CALL jobs/a x", "CALL jobs/a"), ("RECV jobs/b", "RECV jobs/b"),
            ("RECV lease=1s jobs/b", "RECV jobs/b"), ("RECV count=* jobs/b", "RECV jobs/b"),
            ("BARRIER parties=2 jobs/c", "BARRIER jobs/c"), ("TRACE jobs/", "TRACE jobs/"), ("TRACE", "TRACE"),
            ("SELECT recv jobs/b | send jobs/a x", "RECV jobs/b, arm 0"),
            ("SELECT recv other/b | send jobs/a x", "SEND jobs/a, arm 1"),
            ("SELECT recv other/b | barrier parties=2 jobs/c", "BARRIER jobs/c, arm 1"),
        ])
    func waitingCommandsEnd(line: String, refusal: String) throws {
        var before = Permissions.allowing(.send, .receive, .barrier, .trace, on: "jobs/")
        before.allow(.receive, on: "other/")
        let after = Permissions.allowing(.receive, on: "other/")
        try HubService.run(principals: .named(["worker": before])) { [before] service in
            let worker = try await service.connect(as: "worker")
            try await worker.say("#x \(line)\n#y RECV other/a\n")
            try await service.parked(2)
            // What stays permitted stays.
            service.hub.change(limits: HubLimits(), principals: .named(["worker": before]))
            service.hub.change(limits: HubLimits(), principals: .named(["worker": after]))
            try await worker.hear("#x ERR denied \(noPermission(refusal))\n")
            try await service.parked(1)
            try await worker.say("PING\n#x RECV timeout=0 jobs/b\nCANCEL #y\n")
            try await worker.hear("OK\n#x ERR denied \(noPermission("RECV jobs/b"))\nOK\n#y CANCELLED\n")
            let root = try await service.connect(as: "root")
            #expect(try await root.ask("SEND timeout=0 jobs/b x") == "TIMEOUT")
        }
    }

    @Test("A send whose message is under a lease is in doubt")
    func leasedSendsAreInDoubt() throws {
        var hub = TestHub(["worker": .allowing(.send)])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        _ = try hub.receive(from: "jobs", by: root, lease: .seconds(1))
        let sent = try hub.send("x", on: "jobs", by: worker)
        #expect(sent.isParked)
        _ = hub.takeLateReplies()
        hub.change(["worker": Permissions()])
        #expect(hub.takeLateReplies() == [LateReply(worker, .maybe("denied"))])
    }

    @Test("Leases end as if their holder had died, and another receiver gets the messages")
    func leasesEnd() throws {
        var hub = TestHub(["worker": .allowing(.receive)])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        var deliveries: [DeliveryID] = []
        for number in 1...40 {
            _ = try hub.send("x", on: "jobs/\(number % 2)", by: root, tag: "s\(number)")
            let outcome = try hub.receive(from: "jobs/\(number % 2)", by: worker, lease: .seconds(60))
            deliveries.append(try #require(outcome.delivery))
        }
        hub.change(["worker": .allowing(.receive, on: "jobs/1")])
        #expect(hub.machine.leases.count == 20)
        let outcomes = deliveries.map { hub.ack($0, by: worker) }
        #expect(outcomes.count { $0 == .done(.error(.stale)) } == 20)
        let next = try hub.receive(from: "jobs/0", by: root, lease: .seconds(1))
        #expect(next == .done(try .message("x", from: "jobs/0", next.delivery, attempt: 2)))
    }

    @Test("Joined ends are left, so that the last one closes its channel")
    func endsLeave() throws {
        var hub = TestHub(["worker": .allowing(.join, .poison)])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        _ = try hub.join(.send, of: "jobs", by: worker, onDeath: .poison)
        _ = try hub.join(.send, of: "kept", by: worker)
        let waiting = try hub.receive(from: "jobs", by: root)
        #expect(waiting.isParked)
        hub.change(["worker": .allowing(.join, on: "kept")])
        #expect(hub.takeLateReplies() == [LateReply(root, try .closed("jobs", because: "its last sender has gone"))])
        #expect(hub.machine.clients[worker]?.ends.count == 1)
    }

    @Test("A removed principal may do nothing from that moment, and its connections are closed")
    func removedPrincipals() throws {
        try HubService.run(principals: .named(["worker": .allowing(.receive)])) { service in
            let worker = try await service.connect(as: "worker")
            try await worker.say("#x RECV jobs\n")
            try await service.parked(1)
            service.hub.change(limits: HubLimits(), principals: .named([:]))
            #expect(service.hub.parkedCount == 0)
            try await worker.hearEnd(
                after: "#x ERR denied \(noPermission("RECV", "jobs"))\n"
                    + "ERR denied the principal of this connection was removed, or what proved it has changed\n")
        }
    }

    @Test("A connection ends when the token with which it authenticated is removed, and others of its principal stay")
    func removedTokens() throws {
        @Sendable func principals(_ tokens: String...) -> Principals {
            var principal = Principal(.allowing(.receive))
            for token in tokens { _ = principal.add(token: token) }
            var principals = Principals()
            _ = principals.add("worker", principal)
            return principals
        }
        try HubService.run(principals: principals("old", "new")) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            #expect(try await first.ask("AUTH worker old") == "OK")
            #expect(try await second.ask("AUTH worker new") == "OK")
            service.hub.change(limits: HubLimits(), principals: principals("new", "newer"))
            try await first.hearEnd(
                after: "ERR denied the principal of this connection was removed, or what proved it has changed\n")
            #expect(try await second.ask("PING") == "OK")
        }
    }

    @Test("When principals come or go, clients without credentials lose or get everything")
    func principalsComeAndGo() throws {
        try HubService.run(principals: .named([:], anonymous: .allowing(.send))) { service in
            let client = try await service.connect()
            #expect(try await client.ask("RECV timeout=0 jobs") == "ERR denied \(noPermission("RECV", "jobs"))")
            service.hub.change(limits: HubLimits(), principals: nil)
            #expect(try await client.ask("RECV timeout=0 jobs") == "TIMEOUT")
            let other = try await service.connect()
            #expect(try await other.ask("RECV timeout=0 jobs") == "TIMEOUT")
            service.hub.change(limits: HubLimits(), principals: .named([:], anonymous: .allowing(.receive)))
            #expect(try await client.ask("SEND timeout=0 jobs x") == "ERR denied \(noPermission("SEND", "jobs"))")
            #expect(try await other.ask("RECV timeout=0 jobs") == "TIMEOUT")
        }
    }

    @Test("A principal that is removed, allowed everything and configured again is restricted again")
    func grantsSurviveWithoutPrincipals() throws {
        var hub = TestHub(["worker": .allowing(.receive)])
        let worker = try hub.connect(as: "worker")
        hub.machine.adopt(nil as Principals?)
        #expect(try hub.send("x", on: "jobs", by: worker, timeout: .zero) == .done(.timeout))
        hub.change(["worker": .allowing(.receive)])
        #expect(try hub.send("x", on: "jobs", by: worker, timeout: .zero).refusal == .denied)
        hub.disconnect(worker)
        #expect(hub.machine.grants.isEmpty)
    }

    @Test("Many waiting commands end in slices")
    func changesAreSliced() throws {
        var hub = TestHub(["worker": .allowing(.receive)])
        let worker = try hub.connect(as: "worker")
        for number in 0..<2000 { _ = try hub.receive(from: "jobs", by: worker, tag: "t\(number)") }
        hub.machine.sliceEnd = hub.machine.steps + 500
        hub.machine.adopt(Principals.named(["worker": Permissions()]))
        let left = hub.machine.parkedCount
        #expect((1400..<1950).contains(left))
        #expect(try hub.receive(from: "jobs", by: worker, tag: "n").refusal == .denied)
        hub.change(["worker": Permissions()])
        #expect(hub.machine.parkedCount == 0)
        let replies = hub.takeLateReplies()
        #expect(replies.count == 2000 && replies.allSatisfy { $0.refusal == .denied })
    }
}
