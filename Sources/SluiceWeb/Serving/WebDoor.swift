package import SluiceHub
package import SluiceRuntime
package import SluiceWire
import Synchronization

/// Serves the clients of a listener over HTTP.
///
/// Each HTTP connection has a client of the hub: its requests become commands of the line protocol. See `docs/http.md`.
package final class WebDoor: Door {
    let hub: Hub
    let rules: BrowserRules
    /// The leases that HTTP clients end with a token.
    let leases = LeaseTable()
    /// The number of responses with each status.
    private let responses = Lock<[Int: Int]>([:])
    private let lag: LoopLag
    private let connectionCount = Atomic<Int>(0)
    private let idleGate: Gate
    private let reactor: Reactor

    /// - Parameters:
    ///   - hosts: the names that the header `Host` may have besides IP addresses and `localhost`.
    ///   - usesTLS: whether clients of the listener use TLS.
    ///   - reactors: the reactors of the clients. A task of the first one calls ``waitUntilIdle(atMost:)``.
    package init(to hub: Hub, hosts: [String], usesTLS: Bool, on reactors: [Reactor]) {
        self.hub = hub
        reactor = reactors[0]
        lag = LoopLag(of: reactors)
        rules = BrowserRules(hosts: Set(hosts.map { $0.lowercased() }), usesTLS: usesTLS)
        idleGate = Gate("the end of the connections of the web door", on: reactor)
    }

    package func begin(_ client: WireClient, over socket: consuming DetachedSocket) {
        connectionCount.add(1, ordering: .relaxed)
        WebConnection(client, of: self).begin(socket)
    }

    func count(_ status: Status) { responses.withLock { $0[status.rawValue, default: 0] += 1 } }

    /// The measurements that no report of the hub has.
    var measurements: Measurements {
        Measurements(waits: hub.waits, lag: lag.times, responses: responses.withLock { $0 })
    }

    func connectionHasEnded() {
        guard connectionCount.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        reactor.post { [idleGate] in idleGate.open() }
    }

    package func reply(to refusal: WireError) -> [UInt8] {
        var response = Response(outcome: .error(refusal))
        response.status = .unavailable
        return response.bytes(keepingAlive: false)
    }

    package let replyToPlainText: String = {
        let response = Response(.badRequest, "this port speaks TLS: use https://")
        return String(decoding: response.bytes(keepingAlive: false), as: UTF8.self)
    }()

    /// Waits until the door has no connections. Must be called by a task of the door's first reactor.
    ///
    /// - Parameter limit: the longest time to wait.
    package func waitUntilIdle(atMost limit: Duration) async {
        guard connectionCount.load(ordering: .relaxed) > 0 else { return }
        // The time is over, or the task is cancelled: both end the wait.
        try? await idleGate.wait(timeout: limit)
    }
}
