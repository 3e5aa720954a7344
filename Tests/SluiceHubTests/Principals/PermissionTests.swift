import SeededRandom
import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// What principals may do, and how the hub checks it.
@Suite(.bounded) struct PermissionTests {
    @Test("A prefix permits the names that begin with it, and a denial wins")
    func prefixesAreMatched() throws {
        var permissions = Permissions.allowing(.send, on: "jobs/")
        permissions.allow(.send, on: "jobs/secret/open")
        permissions.allow(.receive, on: "")
        permissions.deny(.send, on: "jobs/secret")
        permissions.deny(.receive, on: "private.")
        let trie = PermissionTrie(permissions)
        let names = ["jobs/", "jobs/1", "jobs", "job", "jobs/secret", "jobs/secret/open/1", "jobs/secre", "private.x"]
        #expect(
            try names.map { trie.allows(.send, on: try channel($0)) } == [
                true, true, false, false, false, false, true, false,
            ])
        #expect(
            try names.map { trie.allows(.receive, on: try channel($0)) } == [
                true, true, true, true, true, true, true, false,
            ])
        #expect(try !names.contains { trie.allows(.open, on: try channel($0)) })
    }

    @Test("A prefix may be permitted if a longer one is, unless it is denied")
    func prefixesOfPrefixes() throws {
        let trie = PermissionTrie(.allowing(.trace, on: "jobs/a").denying(.trace, on: "jobs/ab"))
        let prefixes: [(String?, Bool)] = [
            (nil, true), ("jobs", true), ("jobs/a", true), ("jobs/ac", true), ("jobs/b", false), ("jobs/abc", false),
        ]
        for (prefix, isPossible) in prefixes {
            #expect(trie.mayAllow(.trace, onNamesFrom: try prefix.map(channel)) == isPossible, "\(prefix ?? "")")
        }
    }

    @Test("Random rules are decided as a search through all of them decides", arguments: 1...20)
    func trieIsRight(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func word(_ length: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: length, using: &generator)).map { _ in "ab/".randomElement(using: &generator) ?? "a"
                })
        }
        var permissions = Permissions()
        for _ in 0..<12 {
            permissions.allow([.send, .receive].randomElement(using: &generator) ?? .send, on: word(0...4))
            permissions.deny([.send, .receive].randomElement(using: &generator) ?? .send, on: word(1...4))
        }
        let trie = PermissionTrie(permissions)
        for _ in 0..<200 {
            let name = word(1...6)
            let matches = { (rules: Set<Permissions.Rule>) in
                rules.contains { $0.commands == .send && name.hasPrefix($0.prefix) }
            }
            let expected = matches(permissions.allowed) && !matches(permissions.denied)
            #expect(trie.allows(.send, on: try channel(name)) == expected, "\(name)")
        }
    }

    // MARK: Several channels

    @Test(
        "A select whose second arm is denied does nothing, even if the first is ready",
        arguments: ["send", "recv", "barrier"], ["first", "fair", "random"])
    func everyArmIsChecked(kind: String, order: String) throws {
        var hub = TestHub(["worker": .allowing(.receive, on: "jobs/")])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        let sent = try hub.send("x", on: "jobs/a", by: root)
        #expect(sent.isParked)
        let arms = ["recv jobs/a", kind == "send" ? "send other x" : "\(kind) other"]
        let order = try #require(SelectCommand.Order(rawValue: order))
        let outcome = try hub.select(arms, by: worker, order: order)
        let verb = kind == "barrier" ? "BARRIER" : kind == "recv" ? "RECV" : "SEND"
        #expect(outcome == .done(.error(WireError(.denied, noPermission(verb, "other", ", arm 1")))))
        #expect(hub.takeLateReplies().isEmpty)
        let taken = try hub.receive(from: "jobs/a", by: worker)
        #expect(taken == .done(try .message("x", from: "jobs/a")))
    }

    @Test("A select does not tell of a barrier that it may not use")
    func selectTellsNothing() throws {
        var hub = TestHub(["worker": Permissions()])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        _ = try hub.barrier("start", 3, by: root)
        let outcome = try hub.select("barrier parties=2 start", by: worker)
        #expect(outcome.refusal == .denied)
    }

    @Test("A dead channel needs the permission to send to it, and on-death=poison that to poison")
    func secondChannelsNeedPermission() throws {
        var hub = TestHub(["worker": .allowing(.open, .join, on: "jobs/")])
        let worker = try hub.connect(as: "worker")
        let opened = try hub.open("jobs/a", dead: "trash", by: worker)
        #expect(
            opened == .done(.error(WireError(.denied, noPermission("SEND", "trash", ", which dead= names")))))
        let joined = try hub.join(.send, of: "jobs/a", by: worker, onDeath: .poison)
        #expect(
            joined == .done(.error(WireError(.denied, noPermission("POISON", "jobs/a", ", which on-death= names")))))
        #expect(try hub.open("jobs/a", by: worker) == .done(.ok))
        #expect(try hub.join(.send, of: "jobs/a", by: worker) == .done(.ok))
    }

    @Test("REDRIVE leaves the messages that come from channels to which the client may not send")
    func redriveChecksSources() throws {
        var hub = TestHub(["worker": .allowing(.receive, .send, on: "jobs/")])
        let (root, worker) = (try hub.connect(as: "root"), try hub.connect(as: "worker"))
        _ = try hub.open("jobs/dead", .buffer(10), by: root)
        for name in ["jobs/a", "other"] {
            _ = try hub.open(name, .buffer(10), dead: "jobs/dead", by: root)
            _ = try hub.send(name, on: name, by: root)
            let delivery = try #require(try hub.receive(from: name, by: root, lease: .seconds(1)).delivery)
            _ = hub.reject(delivery, by: root)
        }
        let moved = try hub.redrive("jobs/dead", by: worker)
        #expect(moved == .done(.ok([Attribute(.count, 1)])))
        #expect(try hub.receive(from: "jobs/a", by: worker) == .done(try .message("jobs/a", from: "jobs/a")))
        #expect(try hub.redrive("jobs/dead", by: root) == .done(.ok([Attribute(.count, 1)])))
    }

    // MARK: Clients

    @Test("Clients without credentials have the permissions of anonymous, and may authenticate")
    func anonymousClients() throws {
        let principals = Principals.named(
            ["worker": .allowing(.receive)], anonymous: .allowing(.send, on: "jobs/"))
        try HubService.run(principals: principals) { service in
            let client = try await service.connect()
            #expect(try await client.ask("SEND timeout=0 jobs/a x") == "TIMEOUT")
            #expect(try await client.ask("SEND timeout=0 other x") == "ERR denied \(noPermission("SEND", "other"))")
            #expect(try await client.ask("AUTH worker t") == "OK")
            #expect(try await client.ask("RECV timeout=0 other") == "TIMEOUT")
            #expect(try await client.ask("SEND timeout=0 jobs/a x") == "ERR denied \(noPermission("SEND", "jobs/a"))")
            service.clock.advance(by: .seconds(3))
            #expect(try await client.ask("PING") == "OK")
        }
    }

    @Test("Without anonymous, a client may only say who it is")
    func withoutAnonymous() throws {
        try HubService.run(principals: .named([:])) { service in
            let client = try await service.connect()
            #expect(try await client.ask("SEND jobs x").hasPrefix("ERR auth-required"))
            #expect(try await client.ask("AUTH root t") == "OK")
            #expect(try await client.ask("SEND timeout=0 jobs x") == "TIMEOUT")
        }
    }

    @Test("The principal anonymous cannot be authenticated as")
    func anonymousIsNoPrincipal() throws {
        try HubService.run(principals: .named([:], anonymous: .allowing(.send))) { service in
            let client = try await service.connect()
            #expect(try await client.ask("AUTH anonymous t") == "ERR denied unknown principal or wrong token")
        }
    }

    @Test("AUTH as another principal is refused while something that it may not continue is pending")
    func lateAuthentication() throws {
        var hub = TestHub(
            ["worker": .allowing(.receive), "sender": .allowing(.send, .join)], anonymous: .allowing(.receive))
        let client = hub.connect()
        let parked = try hub.receive(from: "jobs", by: client, tag: "a")
        #expect(parked.isParked)
        #expect(hub.machine.authenticate(client, as: try channel("sender"))?.code == .conflict)
        hub.cancel(try #require(parked.parked))
        #expect(hub.machine.authenticate(client, as: try channel("sender")) == nil)
        #expect(hub.machine.authenticate(client, as: try channel("sender")) == nil)
        #expect(try hub.receive(from: "jobs", by: client).refusal == .denied)
    }

    @Test("Clients of the hub's process may do everything")
    func processClientsAreFree() throws {
        var hub = TestHub(["worker": Permissions()])
        let local = hub.machine.connect(from: "in-process")
        #expect(try hub.send("x", on: "jobs", by: local, timeout: .zero) == .done(.timeout))
    }

    @Test("Any of a principal's tokens authenticates, by itself or by its digest")
    func severalTokens() throws {
        var principal = Principal(.allowing(.send))
        let added = [
            principal.add(token: "first"),
            principal.add(tokenDigest: TokenDigest(of: "second".utf8).description),
            principal.add(tokenDigest: "sha256:abc"), principal.add(tokenDigest: "second"),
        ]
        #expect(added == [true, true, false, false])
        var principals = Principals()
        let areNew = [principals.add("worker", principal), principals.add("other", Principal())]
        #expect(areNew == [true, true])
        let worker = try channel("worker")
        for token in ["first", "second"] { #expect(principals.accept(worker, TokenDigest(of: token.utf8))) }
        #expect(!principals.accept(worker, TokenDigest(of: "third".utf8)))
        for name in ["other", "nobody"] {
            #expect(!principals.accept(try channel(name), TokenDigest(of: "first".utf8)))
        }
    }

    @Test("A digest is that of sha256sum")
    func digestsAreSHA256() {
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(TokenDigest(of: "abc".utf8).description == text)
        #expect(TokenDigest(text) == TokenDigest(of: "abc".utf8))
        #expect(TokenDigest(text.uppercased().replacing("SHA256", with: "sha256")) == TokenDigest(of: "abc".utf8))
    }
}
