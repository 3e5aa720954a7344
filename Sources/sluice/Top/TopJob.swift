import Foundation
import Glibc
import SluiceClient
import SluiceRuntime
import SluiceWire

/// Does what `top` does: asks the hub for reports at intervals, and draws them.
struct TopJob: Sendable {
    let place: HubPlace
    let reconnects: Bool
    let interval: Duration
    let glyphs: Glyphs
    let usesColor: Bool

    func run(in invocation: Invocation) async throws -> Ending {
        let terminal = try Terminal()
        // The screen shows that a connection is lost; a complaint would spoil it.
        let client = try await invocation.connect(to: place, reconnecting: reconnects, reporting: false)
        let screen = TopScreen(self, terminal, invocation)
        let handoffs = HandoffCounter(client, on: invocation.reactor)
        invocation.interruption.react { _ in screen.quit() }
        terminal.begin()
        defer { terminal.restore() }
        let resizes = try invocation.reactor.signals(SIGWINCH, SIGTSTP, SIGCONT)
        invocation.reactor.spawn("size of the terminal") {
            while true { screen.take(signal: try await resizes.next()) }
        }
        let input = InputBlocks(on: invocation.reactor)
        invocation.reactor.spawn("keys") {
            while let bytes = try await input.next() { for key in Key.keys(in: bytes) { screen.take(key) } }
            screen.quit()
        }
        let states = client.states
        invocation.reactor.spawn("the connection") {
            for await state in states { screen.change { $0.note(state) } }
        }
        invocation.reactor.spawn("reports") {
            do { try await watch(client, handoffs, screen, invocation.reactor) } catch { screen.end(error) }
        }
        try await screen.run()
        if let failure = screen.failure {
            terminal.restore()
            throw failure
        }
        return .status(.success)
    }

    private func watch(
        _ client: Client, _ handoffs: HandoffCounter, _ screen: TopScreen, _ reactor: Reactor
    ) async throws {
        var last = reactor.nowNanoseconds
        while true {
            let server = try await client.serverReport()
            let channels = try await client.channelsReport()
            let waiters = try await client.waitersReport()
            let now = reactor.nowNanoseconds
            let seen = handoffs.takeCounts()
            screen.change { model in
                guard !model.isPaused else { return }
                model.channels = channels.channels
                model.omittedChannels = channels.omitted
                model.waiters = waiters.waiters.filter { !Self.isTop($0) }
                model.omittedWaiters = waiters.omitted
                model.tracesHandoffs = handoffs.isAllowed
                model.update(server, seen: seen, seconds: Double(now - last) / 1e9)
            }
            last = now
            try await sleep(for: interval)
        }
    }

    /// Whether the waiter is the trace of a `top`.
    private static func isTop(_ waiter: WaiterReport) -> Bool {
        waiter.operation == .trace && waiter.label?.hasPrefix(Top.labelPrefix) == true
    }
}

/// The screen, and how keys and signals change it. On the reactor's thread only.
private final class TopScreen: @unchecked Sendable {
    // Sendable: see above.

    private let job: TopJob
    private let terminal: Terminal
    private let gate: Gate
    private var model: TopModel
    private var hasEnded = false
    private(set) var failure: Failure?

    init(_ job: TopJob, _ terminal: Terminal, _ invocation: Invocation) {
        self.job = job
        self.terminal = terminal
        model = TopModel(hub: "\(job.place.address)")
        gate = Gate("something to draw", on: invocation.reactor)
    }

    /// Draws each change until the end.
    func run() async throws {
        while !hasEnded {
            draw()
            try await gate.wait()
        }
    }

    private func draw() {
        let (width, height) = terminal.size
        let lines = TopView(width: width, height: height, glyphs: job.glyphs).lines(model)
        terminal.draw(lines.map { $0.rendered(inColor: job.usesColor) })
    }

    func change(_ body: (inout TopModel) -> Void) {
        body(&model)
        gate.open()
    }

    func quit() {
        hasEnded = true
        gate.open()
    }

    func end(_ error: any Error) {
        guard !hasEnded else { return }
        failure = error as? Failure ?? (error as? SluiceError).map { Failure($0) } ?? Failure("\(error)")
        quit()
    }

    func take(_ key: Key) {
        let page = max(1, terminal.size.height / 2)
        change { model in
            let last = max(0, model.ordered.count - 1)
            switch key {
            case .character("q"), .character("Q"): hasEnded = true
            case .character("s"): model.order = model.order.next
            case .character("p"), .character(" "): model.isPaused.toggle()
            case .character("k"), .up: model.scroll = max(0, model.scroll - 1)
            case .character("j"), .down: model.scroll = min(last, model.scroll + 1)
            case .pageUp: model.scroll = max(0, model.scroll - page)
            case .pageDown: model.scroll = min(last, model.scroll + page)
            case .character("g"), .home: model.scroll = 0
            case .character: break
            }
        }
    }

    func take(signal: Int32) {
        switch signal {
        case SIGTSTP:
            terminal.restore()
            // Stops here. SIGCONT continues below.
            kill(getpid(), SIGSTOP)
        case SIGCONT:
            terminal.begin()
        default:
            terminal.forget()
        }
        gate.open()
    }
}

/// Counts handoffs by channel: all of them while there are few, and the first ones of each interval while there are many, so
/// that neither the hub nor `top` has much to do. On the reactor's thread only.
private final class HandoffCounter: @unchecked Sendable {
    // Sendable: see above.

    private static let mostInAnInterval = 2000

    private let client: Client
    private let reactor: Reactor
    private var counts: [String: Int] = [:]
    private var total = 0
    private var isTracing = false
    /// Whether the hub permits traces.
    private(set) var isAllowed = true

    init(_ client: Client, on reactor: Reactor) {
        self.client = client
        self.reactor = reactor
        begin()
    }

    private func begin() {
        guard !isTracing, isAllowed else { return }
        isTracing = true
        reactor.spawn("handoffs") { [self] in
            do {
                for try await handoff in try client.handoffs() {
                    counts[handoff.channel, default: 0] += 1
                    total += 1
                    if total == Self.mostInAnInterval { break }
                }
            } catch {
                isAllowed = [.draining, .disconnected].contains((error as? SluiceError)?.code)
            }
            isTracing = false
        }
    }

    /// Returns the handoffs that were seen since the last call.
    func takeCounts() -> [String: Int] {
        defer {
            counts = [:]
            total = 0
            begin()
        }
        return counts
    }
}
