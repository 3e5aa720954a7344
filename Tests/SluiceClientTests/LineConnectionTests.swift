import SluiceHub
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceClient

/// Here a tag is the protocol's, not the testing library's.
typealias Tag = SluiceWire.Tag

@Suite(.timeLimit(.minutes(10))) struct LineConnectionTests {
    /// Runs `body` on a reactor that serves a hub.
    private func serving(_ body: @escaping @Sendable (SocketAddress) async throws -> Void) throws {
        let reactor = try Reactor()
        try reactor.run {
            let hub = Hub(on: reactor, epoch: 42)
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            try await body(listener.localAddress)
        }
    }

    private func expect(_ tag: String?, _ reply: Reply, from connection: LineConnection) async throws {
        let next = try #require(try await connection.receive())
        #expect(next.tag?.description == tag)
        #expect(next.reply == reply)
    }

    @Test func repliesComeWithTheTagsOfTheirRequests() throws {
        try serving { address in
            let connection = try await LineConnection.connect(to: address)
            let jobs = try #require(ChannelName("jobs"))
            let body: Body = [0, 10, 13, 255]
            try await connection.send(
                Request(tag: Tag("r"), command: .receive(ReceiveCommand(channel: jobs))),
                Request(tag: Tag("s"), command: .send(SendCommand(channel: jobs, body: body))),
                Request(command: .ping([1, 2])))
            try await expect("s", .ok([]), from: connection)
            try await expect(nil, .data([1, 2]), from: connection)
            try await expect("r", .message(jobs, body, []), from: connection)
        }
    }

    @Test func aMessageOfManyReadsArrivesWhole() throws {
        try serving { address in
            let connection = try await LineConnection.connect(to: address)
            let body = Body((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) })
            try await connection.send(Request(command: .ping(body)))
            try await expect(nil, .data(body), from: connection)
        }
    }

    @Test func theServersEndIsNil() throws {
        try serving { address in
            let connection = try await LineConnection.connect(to: address)
            try await connection.send(Request(command: .quit))
            try await expect(nil, .ok([]), from: connection)
            #expect(try await connection.receive() == nil)
        }
    }

    @Test func whatIsParkedIsWithdrawnWhenTheClientFinishes() throws {
        try serving { address in
            let connection = try await LineConnection.connect(to: address)
            let name = try #require(ChannelName("c"))
            try await connection.send(Request(command: .receive(ReceiveCommand(channel: name))))
            try connection.finishSending()
            try await expect(nil, .cancelled("eof"), from: connection)
            #expect(try await connection.receive() == nil)
        }
    }

    @Test func anEndWithinAReplyIsAnError() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            let connection = try await LineConnection.connect(to: listener.localAddress)
            let server = try await listener.accept()
            try await server.write("DATA 5\nhel".utf8)
            server.close()
            let failure = await #expect(throws: SluiceError.self) { try await connection.receive() }
            #expect(failure?.code == .closed)
        }
    }

    @Test func whatIsNoReplyIsAnError() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            let connection = try await LineConnection.connect(to: listener.localAddress)
            let server = try await listener.accept()
            try await server.write("HTTP/1.1 400 Bad Request\r\n".utf8)
            let failure = await #expect(throws: SluiceError.self) { try await connection.receive() }
            #expect(failure?.code == .misuse)
        }
    }

    @Test func nobodyThereIsAnError() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            let address = listener.localAddress
            listener.close()
            let failure = await #expect(throws: SluiceError.self) {
                _ = try await LineConnection.connect(to: address)
            }
            #expect(failure?.code == .system)
        }
    }
}
