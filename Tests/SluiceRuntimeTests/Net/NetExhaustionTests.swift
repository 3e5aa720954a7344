import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// Each test has a process of its own. libdispatch opens two or three descriptors there at an unknown moment.
@Suite(.bounded) struct NetExhaustionTests {
    @Test("Without free descriptors, new connections are refused and others are not disturbed")
    func outOfDescriptorsConnectionsAreRefusedAndOthersDoNotNotice() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let clock = ManualReactorClock()
            let reactor = try Reactor(clock: clock)
            try reactor.run {
                let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
                let early = try await Stream.connect(to: listener.localAddress)
                let server = try await listener.accept()
                var late: [Stream] = []
                for _ in 0..<100 { late.append(try await Stream.connect(to: listener.localAddress)) }
                var limit = DescriptorLimit(at: lowestFreeDescriptor())
                let accepted = Recorder<SocketAddress>()
                let acceptor = reactor.spawn {
                    while true { accepted.record(try await listener.accept().peerAddress) }
                }
                // In the end the listener waits for more connections and does not spin.
                try await until("every connection was accepted or refused") {
                    // Rarely, libdispatch takes the descriptor that the listener had lent: then it needs another one.
                    if acceptor.report.contains("the clock") {
                        limit.raise()
                        clock.advance(by: .seconds(1))
                    }
                    return listener.refusedConnections + accepted.values.count >= 100
                        && acceptor.report.contains("the listener")
                }
                for stream in late { #expect(try await stream.read(upTo: 1) == []) }

                try await early.write("x".utf8)
                #expect(try await server.read(upTo: 1) == Array("x".utf8))

                limit.restore()
                let refused = listener.refusedConnections
                let next = try await Stream.connect(to: listener.localAddress)
                #expect(try await next.read(upTo: 1) == [])
                #expect(accepted.values.last == next.localAddress)
                #expect(listener.refusedConnections == refused)
            }
        }
    }

    @Test("The listener pauses when not even its reserve descriptor is left")
    func theListenerRestsWhenNotEvenTheReserveIsLeft() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let clock = ManualReactorClock()
            let reactor = try Reactor(clock: clock)
            try reactor.run {
                let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
                let client = try await Stream.connect(to: listener.localAddress)
                // Below every descriptor of the listener, so that closing one of them does not help.
                let limit = DescriptorLimit(at: 3)
                let acceptor = reactor.spawn { try await listener.accept() }
                for pause in [100, 200, 400, 800, 1000, 1000] {
                    try await until("the listener pauses") { acceptor.report.contains("the clock") }
                    clock.advance(by: .milliseconds(pause - 1))
                    for _ in 0..<1000 { await Task.yield() }
                    #expect(acceptor.report.contains("the clock"))
                    clock.advance(by: .milliseconds(1))
                    try await until("the listener tries again") { !acceptor.report.contains("the clock") }
                }
                limit.restore()
                try await until("the connection is accepted") {
                    clock.advance(by: .milliseconds(1000))
                    return acceptor.outcome != nil
                }
                #expect(try await acceptor.join().peerAddress == client.localAddress)
                #expect(listener.refusedConnections == 0)
            }
        }
    }

    @Test("Hundreds of short connections leak no descriptor")
    func aStormOfConnectionsLeavesNoDescriptorBehind() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let before = openDescriptors()
            var reactor: Reactor? = try Reactor()
            try reactor?.run { [reactor] in
                let listener = try Listener.bind(to: try SocketAddress("127.0.0.1:0"))
                let server = reactor?.spawn {
                    while true {
                        let stream = try await listener.accept()
                        stream.reactor.spawn { try await stream.write(try await stream.readAll()) }
                    }
                }
                for round in 0..<300 {
                    let client = try await Stream.connect(to: listener.localAddress)
                    try await client.write("\(round)".utf8)
                    if round.isMultiple(of: 3) { continue }
                    try client.shutdownWrite()
                    #expect(try await client.readAll() == Array("\(round)".utf8))
                }
                server?.cancel()
            }
            reactor = nil
            #expect(openDescriptors() == before)
        }
    }
}

/// The open descriptors of the kinds that listeners and streams have. libdispatch opens other kinds at any time.
private func openDescriptors() -> [Int32] {
    (0..<4096).filter { number in
        var status = stat()
        return fstat(number, &status) == 0 && [S_IFSOCK, S_IFCHR].contains(status.st_mode & S_IFMT)
    }
}

/// The number of the next descriptor to be opened.
private func lowestFreeDescriptor() -> Int32 {
    let number = dup(0)
    close(number)
    return number
}

/// Lowers the number of descriptors that the process may have.
private struct DescriptorLimit {
    private let old: rlimit
    private var count: Int32

    init(at count: Int32) {
        var old = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
        self.old = old
        self.count = count
        set(rlim_t(count))
    }

    mutating func raise() {
        count += 1
        set(rlim_t(count))
    }

    func restore() { set(old.rlim_cur) }

    private func set(_ count: rlim_t) {
        var limit = rlimit(rlim_cur: count, rlim_max: old.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
