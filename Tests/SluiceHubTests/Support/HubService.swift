import Dispatch
import Glibc
import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// A hub that serves clients on a port of its own, with a clock that the test controls.
struct HubService: Sendable {
    let reactor: Reactor
    let hub: Hub
    let clock: ManualReactorClock
    let address: SocketAddress

    /// Starts a hub and runs `body` as the main task of its reactor.
    static func run(
        limits: HubLimits = HubLimits(), principals: Principals? = nil,
        _ body: @escaping @Sendable (HubService) async throws -> Void
    ) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.runTest {
            let hub = Hub(on: reactor, limits: limits, principals: principals, epoch: 42)
            let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
            reactor.spawn("listener") { try await hub.serve(listener) }
            try await body(HubService(reactor: reactor, hub: hub, clock: clock, address: listener.localAddress))
            listener.close()
        }
    }

    func connect() async throws -> Client { Client(stream: try await Stream.connect(to: address)) }

    /// Waits until `condition` holds, while the reactor runs its other tasks.
    func until(_ location: SourceLocation = #_sourceLocation, _ condition: @Sendable () -> Bool) async throws {
        try await yieldUntil(location, condition)
    }

    /// Waits until `count` operations are parked.
    func parked(_ count: Int, _ location: SourceLocation = #_sourceLocation) async throws {
        try await TestSupport.until(
            "\(count) operations are parked, not \(hub.parkedCount)", sourceLocation: location
        ) { hub.parkedCount == count }
    }
}

/// Lets the reactor run its other tasks until `condition` holds.
func yieldUntil(_ location: SourceLocation = #_sourceLocation, _ condition: () -> Bool) async throws {
    try await until("the condition holds", sourceLocation: location, condition)
}

extension Reactor {
    /// How long a test may take before it is cancelled: less than `.bounded` allows. A test takes a few seconds at most,
    /// or ten times that with a sanitizer.
    private static let testSeconds = 100.0

    /// Runs `body` as the main task. If it hangs, it is cancelled, so that its test fails and the others go on.
    func runTest(_ body: @escaping @Sendable () async throws -> Void) throws {
        try run {
            let test = self.spawn("test", body)
            let cancellation = DispatchWorkItem { test.cancel() }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.testSeconds, execute: cancellation)
            defer { cancellation.cancel() }
            try await test.join()
        }
    }
}

/// The client's end of a connection, which sends and receives bytes.
struct Client: Sendable {
    let stream: SluiceRuntime.Stream

    func say(_ text: String) async throws { try await stream.write(text.utf8) }

    /// Reads as many bytes as `expected` has, and compares them.
    func hear(_ expected: String, _ location: SourceLocation = #_sourceLocation) async throws {
        var heard: [UInt8] = []
        while heard.count < expected.utf8.count {
            let bytes = try await stream.read(upTo: expected.utf8.count - heard.count)
            if bytes.isEmpty { break }
            heard += bytes
        }
        #expect(String(decoding: heard, as: UTF8.self) == expected, sourceLocation: location)
    }

    /// Reads a line; returns it without its LF, or what came before the hub closed the connection.
    func hearLine() async throws -> String {
        var heard: [UInt8] = []
        while case let bytes = try await stream.read(upTo: 1), let byte = bytes.first, byte != 0x0A {
            heard.append(byte)
        }
        return String(decoding: heard, as: UTF8.self)
    }

    /// Checks that the hub closes the connection after `rest`.
    func hearEnd(after rest: String = "", _ location: SourceLocation = #_sourceLocation) async throws {
        var heard: [UInt8] = []
        while case let bytes = try await stream.read(upTo: 4096), !bytes.isEmpty { heard += bytes }
        #expect(String(decoding: heard, as: UTF8.self) == rest, sourceLocation: location)
    }

    func finishSending() throws { try stream.shutdownWrite() }

    /// Makes the kernel's buffer for a client that does not read small.
    func shrinkReceiveBuffer() {
        var size: Int32 = 4096
        setsockopt(stream.descriptorNumber, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout.size(ofValue: size)))
    }

    /// Resets the connection: the hub gets an RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            stream.descriptorNumber, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        stream.close()
    }
}
