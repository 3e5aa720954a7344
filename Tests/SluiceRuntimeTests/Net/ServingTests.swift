import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__server.py`.
@Suite(.bounded) struct ServingTests {
    private static let anyPort = SocketAddress.ipv4(0x7f00_0001, port: 0)

    @Test("Connections are served until the listener is closed, and then those that are open end")
    func serving() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: Self.anyPort)
            let server = reactor.spawn("server") {
                try await listener.serve(limit: 10) { stream in
                    let reader = StreamReader(stream)
                    while let line = try await reader.readLine() { try await stream.write("\(line)!\n".utf8) }
                }
            }
            let clients = try await parallelMap(1...3) { number in
                let stream = try await Stream.connect(to: listener.localAddress)
                try await stream.write("hello \(number)\n".utf8)
                let line = try await StreamReader(stream).readLine()
                #expect(line == "hello \(number)!")
                return stream
            }
            listener.close()
            try await parked(server)
            #expect(await failure { _ = try await Stream.connect(to: listener.localAddress) }?.errno == ECONNREFUSED)
            for client in clients { try client.shutdownWrite() }
            try await server.join()
        }
    }

    @Test("While the limit is reached, a further connection waits")
    func limit() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: Self.anyPort)
            let served = Recorder<Int>()
            let server = reactor.spawn("server") {
                try await listener.serve(limit: 1) { stream in
                    served.record(1)
                    _ = try await stream.readAll()
                }
            }
            let first = try await Stream.connect(to: listener.localAddress)
            try await until("the first is served") { served.values.count == 1 }
            let second = try await Stream.connect(to: listener.localAddress)
            try await turn(of: reactor)
            try await until("the server waits for a place") { server.report.contains("start a task of task pool") }
            #expect(served.values.count == 1)
            first.close()
            try await until("the second is served") { served.values.count == 2 }
            // The server is full, and notices the end nevertheless.
            listener.close()
            second.close()
            try await server.join()
        }
    }

    @Test("After the grace time, handlers are cancelled")
    func grace() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let listener = try Listener.bind(to: Self.anyPort)
            let endings = Recorder<SluiceError.Code?>()
            let server = reactor.spawn("server") {
                try await listener.serve(limit: 1, grace: .seconds(5)) { stream in
                    endings.record(await failure { _ = try await stream.readAll() }?.code)
                }
            }
            let client = try await Stream.connect(to: listener.localAddress)
            try await until("it is served") {
                reactor.tasks.all.contains { $0.name.hasPrefix("connection with") && $0.isParked }
            }
            listener.close()
            try await until("it waits for the end") { server.report.contains("wait group") }
            clock.advance(by: .seconds(5))
            try await server.join()
            #expect(endings.values == [.cancelled])
            #expect(try await client.readAll() == [], "the stream was closed")
        }
    }

    @Test("An error of a handler ends its connection only, and is reported unless it is the connection's")
    func errors() throws {
        let failures = Recorder<String>()
        let reactor = try Reactor()
        reactor.handleFailures { failures.record("\($0.error)") }
        try reactor.run {
            let listener = try Listener.bind(to: Self.anyPort)
            let server = reactor.spawn("server") {
                try await listener.serve(limit: 10) { stream in
                    switch try await StreamReader(stream).readLine() {
                    case "bug": throw TestFailure(name: "bug")
                    case "gone": throw SluiceError(system: ECONNRESET, "cannot read")
                    default: try await stream.write("fine".utf8)
                    }
                }
            }
            for (line, answer) in [("bug", ""), ("gone", ""), ("hello", "fine")] {
                let client = try await Stream.connect(to: listener.localAddress)
                try await client.write("\(line)\n".utf8)
                #expect(String(decoding: try await client.readAll(), as: UTF8.self) == answer)
            }
            server.cancel()
            #expect(await failure { try await server.join() }?.code == .cancelled)
        }
        #expect(failures.values == ["TestFailure(name: \"bug\")"])
    }

    // MARK: Names

    @Test("Addresses of both families take turns")
    func interleaving() {
        let four = (1...3).map { SocketAddress.ipv4($0, port: 1) }
        let six = (1...2).map { SocketAddress.ipv6($0, port: 1) }
        #expect(Stream.interleaved(six + four) == [six[0], four[0], six[1], four[1], four[2]])
        #expect(Stream.interleaved([four[0], six[0], four[1]]) == [four[0], six[0], four[1]])
        #expect(Stream.interleaved([]) == [])
    }

    @Test("A host is connected to by its name")
    func byName() throws {
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: Self.anyPort)
            let port = try #require(listener.localAddress.port)
            let accepted = reactor.spawn { try await listener.accept() }
            // The name may have an IPv6 address too, at which nothing listens.
            let stream = try await Stream.connect(toHost: "localhost:\(port)", timeout: .seconds(60))
            #expect(stream.peerAddress == listener.localAddress)
            _ = try await accepted.join()
            listener.close()
            let error = await failure { _ = try await Stream.connect(toHost: "localhost:\(port)") }
            #expect(error?.code == .system)
            #expect(await failure { _ = try await Stream.connect(toHost: "nowhere") }?.code == .address)
        }
    }

    @Test("The next address is tried when one fails or takes long, and the first connection wins")
    func happyEyeballs() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let addresses = (1...4).map { SocketAddress.ipv4($0, port: 1) }
            let tried = Recorder<UInt16>()
            let (near, far) = try Stream.pair(on: reactor)
            let connection = reactor.spawn {
                try await Stream.connect(toFirstOf: addresses, called: "host") { address in
                    guard case .ipv4(let number, _) = address else { return far }
                    tried.record(UInt16(number))
                    switch number {
                    case 1: throw SluiceError(system: ECONNREFUSED, "cannot connect to 1")
                    case 3: return near
                    default: try await sleep(for: .seconds(3600))
                    }
                    return far
                }
            }
            // The first one fails at once, the second one hangs.
            try await until("two are tried") { tried.values == [1, 2] }
            try await parked(connection)
            clock.advance(by: Stream.attemptDelay)
            #expect(try await connection.join() === near)
            #expect(tried.values == [1, 2, 3])
        }
    }

    @Test("When all addresses fail, the error names each")
    func allFail() throws {
        try Reactor().run {
            let error = await failure {
                _ = try await Stream.connect(
                    toFirstOf: (1...2).map { SocketAddress.ipv4($0, port: 1) }, called: "host"
                ) { throw SluiceError(system: ECONNREFUSED, "cannot connect to \($0)") }
            }
            #expect(error?.errno == ECONNREFUSED)
            #expect(
                error?.message
                    == "cannot connect to 0.0.0.1:1: Connection refused; cannot connect to 0.0.0.2:1: Connection refused"
            )
        }
    }
}
