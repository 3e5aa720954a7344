import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

extension HubService {
    /// Starts a task that sends a text.
    func sender(of text: String, on channel: HubChannel) -> GreenTask<Void> {
        reactor.spawn("sender of \(text)") { try await channel.send(text) }
    }

    /// Starts a task that receives a text.
    func receiver(of channel: HubChannel) -> GreenTask<String> {
        reactor.spawn("receiver") { try await channel.text() }
    }

    /// Returns the report of a process.
    func process(_ name: String) -> ProcessReport? { hub.processes.reports.first { $0.name == name } }

    var leaseCount: Int { hub.look { $0.machine.leases.count } }

    /// Lets every task run until it waits for the clock or for a socket.
    func settled() async {
        for _ in 0..<100 { await Task.yield() }
    }

    /// Waits until exactly one operation is parked, and has been for `duration`.
    func parkedSince(_ duration: Duration, _ location: SourceLocation = #_sourceLocation) async throws {
        let seconds = Double(duration.wholeNanoseconds) / 1e9
        try await until(location) { waiters.count == 1 && waiters.allSatisfy { $0.waitingSeconds == seconds } }
    }

    /// Waits until exactly these operations are parked, in any order: "recv a, send b under lease, recv c + recv d".
    func until(_ expected: String, _ location: SourceLocation = #_sourceLocation) async throws {
        let expected = expected.split(separator: ", ").map(String.init).sorted()
        try await until(location) { waiters.map(\.summary).sorted() == expected }
    }

    private var waiters: [WaiterReport] { (hub.report(on: .waiters(channel: nil)) as? WaitersReport)?.waiters ?? [] }
}

extension WaiterReport {
    fileprivate var summary: String {
        let verb =
            switch operation {
            case .send: "send "
            case .receive: "recv "
            case .select, .barrier, .redrive, .trace: ""
            }
        return verb + targets.joined(separator: " + ") + (state == .underLease ? " under lease" : "")
    }
}

extension HubChannel {
    /// Receives the next message as text.
    func text() async throws -> String { String(decoding: try #require(try await receive()), as: UTF8.self) }
}

extension Duration {
    static func hours(_ count: Int) -> Duration { .seconds(3600 * count) }
}
