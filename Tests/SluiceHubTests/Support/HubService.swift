import Glibc
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// A hub that serves on a port of its own, its clock in the hands of the test.
struct HubService: Sendable {
    let reactor: Reactor
    let hub: Hub
    let clock: ManualReactorClock
    let address: SocketAddress

    /// Runs `body` as the main task of the hub's reactor.
    static func run(
        limits: HubLimits = HubLimits(), users: Users? = nil,
        _ body: @escaping @Sendable (HubService) async throws -> Void
    ) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let hub = Hub(on: reactor, limits: limits, users: users, epoch: 42)
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            try await body(HubService(reactor: reactor, hub: hub, clock: clock, address: listener.localAddress))
            listener.close()
        }
    }

    func connect() async throws -> Client { Client(stream: try await Stream.connect(to: address)) }

    /// Returns once `condition` holds; it must come to hold by what the reactor does meanwhile.
    func until(_ condition: @Sendable () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    /// Returns once so many operations are parked.
    func parked(_ count: Int) async { await until { hub.parkedCount == count } }
}

/// The other end of a connection, at the level of bytes.
struct Client: Sendable {
    let stream: SluiceRuntime.Stream

    func say(_ text: String) async throws { try await stream.write(text.utf8) }

    /// Reads as many bytes as `expected` has, and compares.
    func hear(_ expected: String, _ location: SourceLocation = #_sourceLocation) async throws {
        var heard: [UInt8] = []
        while heard.count < expected.utf8.count {
            let bytes = try await stream.read(upTo: expected.utf8.count - heard.count)
            if bytes.isEmpty { break }
            heard += bytes
        }
        #expect(String(decoding: heard, as: UTF8.self) == expected, sourceLocation: location)
    }

    /// The next line, without its end, or what came before the server closed.
    func hearLine() async throws -> String {
        var heard: [UInt8] = []
        while case let bytes = try await stream.read(upTo: 1), let byte = bytes.first, byte != 0x0A {
            heard.append(byte)
        }
        return String(decoding: heard, as: UTF8.self)
    }

    /// Checks that the server closes, after `rest`.
    func hearEnd(after rest: String = "", _ location: SourceLocation = #_sourceLocation) async throws {
        var heard: [UInt8] = []
        while case let bytes = try await stream.read(upTo: 4096), !bytes.isEmpty { heard += bytes }
        #expect(String(decoding: heard, as: UTF8.self) == rest, sourceLocation: location)
    }

    func finishSending() throws { try stream.shutdownWrite() }

    /// Has the kernel hold little for a client that does not read.
    func shrinkReceiveBuffer() {
        var size: Int32 = 4096
        setsockopt(stream.descriptorNumber, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout.size(ofValue: size)))
    }

    /// Breaks the connection off: the server gets an RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            stream.descriptorNumber, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        stream.close()
    }
}
