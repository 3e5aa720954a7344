import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

/// Every wait of the library, with every kind of server that does not answer as it should.
@Suite("Clients of servers that are frozen, gone, slow or something else", .bounded) struct BadPeerTests {
    /// A call of the library that waits for the server.
    struct Wait: Sendable, CustomTestStringConvertible {
        let name: String
        let call: @Sendable (Client, RemoteChannel) async throws -> Void

        init(_ name: String, _ call: @escaping @Sendable (Client, RemoteChannel) async throws -> Void) {
            self.name = name
            self.call = call
        }

        var testDescription: String { name }
    }

    private static let soon = Duration.milliseconds(50)

    /// The calls that end by themselves, whatever the server does: at the latest when their time has run out.
    private static let limited = [
        Wait("receive(timeout:)") { _ = try await $1.receive(timeout: soon) },
        Wait("receive(lease:timeout:)") { _ = try await $1.receive(lease: .seconds(60), timeout: soon) },
        Wait("receive(lease:timeout:body)") { try await $1.receive(lease: .seconds(60), timeout: soon) { _ in } },
        Wait("tryReceive") { if try await $1.tryReceive() == nil { throw SluiceError(.timedOut, "") } },
        Wait("messages(timeout:)") { for try await _ in try $1.messages(timeout: soon) {} },
        Wait("send(timeout:)") { try await $1.send("x", timeout: soon) },
        Wait("send(timeout:id:)") { try await $1.send("x", timeout: soon, id: "x") },
        Wait("trySend") { if try await !$1.trySend("x") { throw SluiceError(.timedOut, "") } },
        Wait("barrier(timeout:)") { client, _ in try await client.barrier("b", parties: 2, timeout: soon) },
        Wait("select, after") { client, jobs in
            try await client.select {
                jobs.receiving { _ in }
                after(soon) { throw SluiceError(.timedOut, "") }
            }
        },
        Wait("leave") { try await $1.leave(.receiving) },
    ]

    /// The calls without a limit that may not be repeated. They end with the connection over which the server was asked,
    /// and one that begins without a connection waits for the next.
    private static let unrepeatable = [
        Wait("send") { try await $1.send("x") },
        Wait("broadcast") { try await $1.broadcast([], toAtLeast: 1) },
        Wait("pipeline") {
            let pipeline = $1.pipeline()
            try await pipeline.send("x")
            try await pipeline.finish()
        },
        Wait("barrier") { client, _ in try await client.barrier("b", parties: 2) },
        Wait("select, sending") { client, jobs in
            try await client.select {
                jobs.sending("x") {}
                jobs.receiving { _ in }
            }
        },
    ]

    /// The calls that are repeated over the next connection.
    private static let repeated = [
        Wait("receive") { _ = try await $1.receive() },
        Wait("receive(lease:)") { _ = try await $1.receive(lease: .seconds(60)) },
        Wait("a loop over the channel") { for try await _ in $1 { return } },
        Wait("messages") { for try await _ in try $1.messages() { return } },
        Wait("deliveries") { for try await _ in try $1.deliveries(lease: .seconds(60)) { return } },
        Wait("select, receiving") { client, jobs in try await client.select { jobs.receiving { _ in } } },
        Wait("handoffs") { client, _ in for try await _ in try client.handoffs() { return } },
        Wait("send(id:)") { try await $1.send("x", id: "x") },
        Wait("ping") { client, _ in _ = try await client.ping() },
        Wait("setLabel") { client, _ in try await client.setLabel("x") },
        Wait("serverReport") { client, _ in _ = try await client.serverReport() },
        Wait("channelsReport") { client, _ in _ = try await client.channelsReport() },
        Wait("waitersReport") { client, _ in _ = try await client.waitersReport() },
        Wait("clientsReport") { client, _ in _ = try await client.clientsReport() },
        Wait("stuckReport") { client, _ in _ = try await client.stuckReport() },
        Wait("help") { client, _ in _ = try await client.help() },
        Wait("open") { try await $1.open() },
        Wait("close") { try await $1.close() },
        Wait("poison") { try await $1.poison() },
        Wait("join") {
            // The loss of a connection that has joined closes the channel.
            do { try await $1.join(.receiving) } catch  where (error as? SluiceError)?.code == .closed {}
        },
    ]

    private static var options: ClientOptions {
        var options = ClientOptions()
        options.connectTimeout = .milliseconds(300)
        options.answerTimeout = .milliseconds(100)
        options.keepAlive = .milliseconds(100)
        options.reconnect = Backoff(initial: .milliseconds(1), longest: .milliseconds(10))
        return options
    }

    /// What may end a call that has no answer.
    private static let endings: Set<SluiceError.Code> = [.timedOut, .inDoubt, .disconnected]

    /// How a server stops answering.
    enum Fault: CaseIterable, Sendable {
        /// It accepts bytes and connections, and answers nothing: its process is stopped, or its machine is gone and
        /// nothing tells.
        case frozen
        /// Its connections are broken, and nothing listens at the address.
        case gone

        func happen(to proxy: Proxy) {
            switch self {
            case .frozen: proxy.mute()
            case .gone: proxy.stop()
            }
        }
    }

    /// A client of a hub behind a network that has the fault.
    private func withFault(
        _ fault: Fault, _ options: ClientOptions, _ body: (Client, Proxy, TestServer) async throws -> Void
    ) async throws {
        try await withProxy(options) { client, proxy, server in
            fault.happen(to: proxy)
            try await body(client, proxy, server)
        }
    }

    /// A client of a hub behind a network.
    private func withProxy(
        _ options: ClientOptions, _ body: (Client, Proxy, TestServer) async throws -> Void
    ) async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let client = try await Client.connect(proxy.address.description, options: options)
        try await body(client, proxy, server)
        await client.close()
    }

    @Test("Without reconnection, every wait ends", arguments: limited + unrepeatable + repeated, Fault.allCases)
    func everyWaitEnds(wait: Wait, fault: Fault) async throws {
        var options = Self.options
        options.reconnect = nil
        try await withFault(fault, options) { client, _, _ in
            let error = await #expect(throws: SluiceError.self) { try await wait.call(client, client.channel("jobs")) }
            #expect(error.map { Self.endings.contains($0.code) } ?? false, "\(error as Any)")
        }
    }

    @Test("With reconnection, every wait that has a limit ends", arguments: limited, Fault.allCases)
    func everyLimitedWaitEnds(wait: Wait, fault: Fault) async throws {
        try await withFault(fault, Self.options) { client, _, _ in
            let channel = try client.channel("jobs")
            // The first call may be interrupted, and the second one then begins without a connection.
            for _ in 1...2 {
                let error = await #expect(throws: SluiceError.self) {
                    try await wait.call(client, channel)
                    throw SluiceError(.misuse, "it has succeeded")
                }
                #expect(error.map { Self.endings.contains($0.code) } ?? false, "\(error as Any)")
            }
        }
    }

    @Test(
        "With reconnection, a wait that may not be repeated is in doubt once the server it has asked is lost",
        arguments: unrepeatable, Fault.allCases
    )
    func everyUnrepeatableWaitEnds(wait: Wait, fault: Fault) async throws {
        try await withProxy(Self.options) { client, proxy, server in
            let waiting = Task(executorPreference: taskThreads) { try await wait.call(client, client.channel("jobs")) }
            // A call that began without a connection would wait for the next one, so the server is asked first.
            try await server.parked(1)
            fault.happen(to: proxy)
            let error = await #expect(throws: SluiceError.self) { try await waiting.value }
            #expect(error?.code == .inDoubt)
        }
    }

    @Test("With reconnection, every other wait goes on when the server is back", arguments: repeated)
    func everyOtherWaitGoesOn(wait: Wait) async throws {
        try await withFault(.frozen, Self.options) { client, proxy, server in
            let waiting = Task(executorPreference: taskThreads) { try await wait.call(client, client.channel("jobs")) }
            for await state in client.states { if case .connecting(_?) = state { break } }
            proxy.cut()
            let other = try await server.connect()
            let partner = Task(executorPreference: taskThreads) { try await Self.meet(wait, other) }
            try await waiting.value
            partner.cancel()
            await other.close()
        }
    }

    /// Sends what a receive waits for, and receives what a send offers.
    private static func meet(_ wait: Wait, _ other: Client) async throws {
        let jobs = try other.channel("jobs")
        if wait.name.hasPrefix("send") {
            _ = try await jobs.receive()
        } else {
            let receiver =
                wait.name == "handoffs" ? Task(executorPreference: taskThreads) { for try await _ in jobs {} } : nil
            while !Task.isCancelled { try await jobs.send("x") }
            receiver?.cancel()
        }
    }

    @Test("What is held when the server freezes is stale or in doubt", arguments: ["acknowledge", "nack", "touch"])
    func leasesEndWithTheirConnection(call: String) async throws {
        try await TestServer.run { server, sender in
            let sending = Task(executorPreference: taskThreads) { _ = try? await sender.channel("jobs").send("x") }
            let proxy = try Proxy(to: server.address)
            defer { proxy.stop() }
            let client = try await Client.connect(proxy.address.description, options: Self.options)
            let delivery = try #require(try await client.channel("jobs").receive(lease: .seconds(60)))
            proxy.mute()
            let error = await #expect(throws: SluiceError.self) {
                switch call {
                case "acknowledge": try await delivery.acknowledge()
                case "nack": try await delivery.nack()
                default: try await delivery.touch()
                }
            }
            #expect(error?.code == (call == "acknowledge" ? .inDoubt : .stale))
            await client.close()
            sending.cancel()
        }
    }

    @Test("A slow server is not taken for a frozen one", arguments: limited + unrepeatable + repeated)
    func aSlowServerIsWaitedFor(wait: Wait) async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address, delay: .milliseconds(20))
        defer { proxy.stop() }
        var options = Self.options
        options.answerTimeout = .seconds(5)
        options.connectTimeout = .seconds(5)
        options.reconnect = nil
        let client = try await Client.connect(proxy.address.description, options: options)
        let waiting = Task(executorPreference: taskThreads) { try? await wait.call(client, client.channel("jobs")) }
        _ = try await client.ping()
        _ = try await client.ping()
        guard case .connected = client.state else {
            return #expect(Bool(false), "the connection was given up: \(client.state)")
        }
        await client.close()
        _ = await waiting.value
    }

    // MARK: Connecting

    @Test("Connecting ends when the server never accepts, or accepts and says nothing", arguments: [true, false])
    func connectingEnds(accepts: Bool) async throws {
        let reactor = try Reactor(name: "mute")
        try reactor.start()
        defer { reactor.stop() }
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        if accepts {
            reactor.spawn("mute") {
                let stream = try await listener.accept()
                while try await !stream.read(upTo: 100).isEmpty {}
            }
        }
        let address = listener.localAddress.description
        let error = await #expect(throws: SluiceError.self) { try await Client.connect(address, options: Self.options) }
        #expect(error?.code == .timedOut)
        #expect(error?.message == "\(address) does not answer")
    }

    @Test(
        "Connecting fails at whatever is not a Sluice server",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown command\r\n",
            "\u{15}\u{3}\u{3}\n",
            "220 mail.example.org ESMTP\r\n", "INFO {\"server_id\":\"N\"}\r\n", "OK version=2 epoch=1\n", "OK\n",
        ])
    func somethingElse(opening: String) async throws {
        let impostor = try Impostor.start { stream in
            try await stream.write(opening.utf8)
            while try await !stream.read(upTo: 100).isEmpty {}
        }
        defer { impostor.stop() }
        let error = await #expect(throws: SluiceError.self) { try await Client.connect(impostor.address) }
        #expect(error?.code == .misuse)
    }

    @Test("The first address that accepts a connection is taken, and the last failure is reported")
    func everyCandidateIsTried() async throws {
        let (closed, server) = (try ReservedPort(), try TestServer.start())
        defer { server.stop() }
        let reactor = try Reactor(name: "client")
        try reactor.start()
        defer { reactor.stop() }
        let nobody = SocketAddress.ipv4(0x7f00_0001, port: closed.number)
        let peer = try await reactor.spawn {
            try await Stream.connect(toFirstOf: [nobody, server.address], called: "x", within: .seconds(10)).peerAddress
        }.value
        #expect(peer == server.address)
        let error = await #expect(throws: SluiceError.self) {
            try await reactor.spawn {
                _ = try await Stream.connect(toFirstOf: [nobody, nobody], called: "x", within: .seconds(10))
            }.value
        }
        #expect(error?.code == .system)
    }

    @Test("A name is looked up, and a scheme may stand before it", arguments: ["", "tcp://", "sluice://"])
    func everyAddressIsTried(scheme: String) async throws {
        let names = try SocketAddress.resolve("localhost:1")
        // Listens at the last address of the name only.
        let last: SocketAddress
        switch names.last {
        case .ipv6(let number, _, _)?: last = .ipv6(number, port: 0)
        default: last = .ipv4(0x7f00_0001, port: 0)
        }
        let server = try TestServer.start(at: last)
        defer { server.stop() }
        let port = try #require(server.address.port)
        let client = try await Client.connect("\(scheme)localhost:\(port)")
        _ = try await client.ping()
        await client.close()
    }
}
