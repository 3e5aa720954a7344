import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

extension HubService {
    /// A task that sends a text.
    func sender(of text: String, on channel: HubChannel) -> GreenTask<Void> {
        reactor.spawn("sender of \(text)") { try await channel.send(text) }
    }

    /// A task that receives a text.
    func receiver(of channel: HubChannel) -> GreenTask<String> {
        reactor.spawn("receiver") { try await channel.text() }
    }

    /// What is seen of a process.
    func process(_ name: String) -> ProcessReport? { hub.processes.reports.first { $0.name == name } }

    var leaseCount: Int { hub.look { $0.machine.leases.count } }

    /// Returns once every task has done what it can without the clock.
    func settled() async {
        for _ in 0..<100 { await Task.yield() }
    }

    /// Returns once exactly one operation is parked, and has been for `duration`.
    func parkedSince(_ duration: Duration) async {
        let seconds = Double(duration.wholeNanoseconds) / 1e9
        await until { waiters.count == 1 && waiters.allSatisfy { $0.waitingSeconds == seconds } }
    }

    /// Returns once those who wait are these, in any order: "recv a, send b under lease, recv c + recv d".
    func until(_ expected: String) async throws {
        let expected = expected.split(separator: ", ").map(String.init).sorted()
        await until { waiters.map(\.summary).sorted() == expected }
    }

    private var waiters: [WaiterReport] { (hub.report(on: .waiters(channel: nil)) as? WaitersReport)?.waiters ?? [] }
}

extension WaiterReport {
    fileprivate var summary: String {
        let verb =
            switch operation {
            case .send: "send "
            case .receive: "recv "
            case .select, .barrier, .trace: ""
            }
        return verb + targets.joined(separator: " + ") + (state == .underLease ? " under lease" : "")
    }
}

extension HubChannel {
    /// The next message as a text.
    func text() async throws -> String { String(decoding: try #require(try await receive()), as: UTF8.self) }
}

extension Duration {
    static func hours(_ count: Int) -> Duration { .seconds(3600 * count) }
}
