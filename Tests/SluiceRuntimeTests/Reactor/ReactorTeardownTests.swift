import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// Each test counts the descriptors of a process of its own, where no other test opens any. Swift's libraries may open a
/// few; a leak of the reactor adds one in each round.
@Suite(.bounded) struct ReactorTeardownTests {
    @Test("A reactor that has run leaves no descriptor open")
    func aReactorThatHasRunLeavesNoDescriptorOpen() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let before = try #require(openDescriptors())
            for _ in 0..<rounds { try useReactor() }
            #expect(try #require(openDescriptors()) < before + rounds)
        }
    }

    @Test("A reactor that was started leaves no descriptor open")
    func aReactorThatWasStartedLeavesNoDescriptorOpen() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let before = try #require(openDescriptors())
            for _ in 0..<rounds { try await startReactor() }
            // The reactor's thread releases it last.
            try await until("the descriptors are closed") { try #require(openDescriptors()) < before + rounds }
        }
    }

    @Test("A reactor that never ran leaves no descriptor open")
    func aReactorThatNeverRanLeavesNoDescriptorOpen() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            let before = try #require(openDescriptors())
            for _ in 0..<rounds {
                let reactor = try Reactor()
                _ = try Stream.pair(on: reactor)
                _ = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
                reactor.post {}
            }
            #expect(try #require(openDescriptors()) < before + rounds)
        }
    }
}

private let rounds = 40

/// The number of descriptors that the process holds, except the one that this function opens.
private func openDescriptors() -> Int? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}

/// Uses every descriptor that a reactor may have: connections, a listener, signals, tasks that wait at the end.
private func useReactor() throws {
    let reactor = try Reactor()
    try reactor.run {
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        let accepting = reactor.spawn { try await listener.accept() }
        let near = try await Stream.connect(to: listener.localAddress)
        let far = try await accepting.join()
        try await far.write("x".utf8)
        #expect(try await near.read(upTo: 1) == Array("x".utf8))
        let signals = try reactor.signals(SIGUSR1)
        let waiters = [
            reactor.spawn { _ = try await near.read(upTo: 1) },
            reactor.spawn { _ = try await listener.accept() },
            reactor.spawn { _ = try await signals.next() },
        ]
        try await parked(waiters)
        signals.close()
    }
}

private func startReactor() async throws {
    try await withStartedReactor { reactor in
        let (near, far) = try Stream.pair(on: reactor)
        let reader = reactor.spawn { try await near.read(upTo: 1) }
        try await reactor.spawn { try await far.write("x".utf8) }.join()
        #expect(try await reader.join() == Array("x".utf8))
    }
}
