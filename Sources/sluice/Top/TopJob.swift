import Foundation
import Glibc
import SluiceRuntime
import SluiceWire

/// What `top` does: asks the hub again and again, and draws what it says.
struct TopJob: Sendable {
    let place: HubPlace
    let interval: Duration
    let glyphs: Glyphs
    let usesColor: Bool

    func run(in session: Session) async throws -> Ending {
        let terminal = try Terminal()
        let link = try await HubLink.open(place, in: session)
        let screen = TopScreen(self, terminal, session)
        let handoffs = HandoffCounter(link)
        session.interruption.react { _ in screen.quit() }
        terminal.begin()
        defer { terminal.restore() }
        let resizes = try session.reactor.signals(SIGWINCH, SIGTSTP, SIGCONT)
        session.reactor.spawn("size of the terminal") {
            while true { screen.take(signal: try await resizes.next()) }
        }
        let input = InputBlocks(on: session.reactor)
        session.reactor.spawn("keys") {
            while let bytes = try await input.next() { for key in Key.keys(in: bytes) { screen.take(key) } }
            screen.quit()
        }
        session.reactor.spawn("reports") {
            do { try await watch(link, handoffs, screen, session) } catch { screen.end(error) }
        }
        try await screen.run()
        if let failure = screen.failure {
            terminal.restore()
            throw failure
        }
        return .status(.success)
    }

    private func watch(
        _ link: HubLink, _ handoffs: HandoffCounter, _ screen: TopScreen, _ session: Session
    ) async throws {
        var last = session.reactor.nowNanoseconds
        while true {
            let server: ServerReport = try await report(.server, link)
            let channels: ChannelsReport = try await report(.channels(prefix: nil), link)
            let waiters: WaitersReport = try await report(.waiters(channel: nil), link)
            let now = session.reactor.nowNanoseconds
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

    /// Whether it waits for what `top` watches.
    private static func isTop(_ waiter: WaiterReport) -> Bool {
        waiter.operation == .trace && waiter.label?.hasPrefix(Top.labelPrefix) == true
    }

    private func report<Kind: Report>(_ subject: Inspection.Subject, _ link: HubLink) async throws -> Kind {
        let reply = try await link.ask(.inspect(Inspection(subject, format: .json)))
        guard case .data(let bytes) = reply else { throw Failure(reply) }
        return try JSONDecoder().decode(Kind.self, from: Data(bytes))
    }
}

/// The screen, and what keys and signals do to it. On the reactor's thread only.
private final class TopScreen: @unchecked Sendable {
    // Sendable: see above.

    private let job: TopJob
    private let terminal: Terminal
    private let gate: Gate
    private var model: TopModel
    private var hasEnded = false
    private(set) var failure: Failure?

    init(_ job: TopJob, _ terminal: Terminal, _ session: Session) {
        self.job = job
        self.terminal = terminal
        model = TopModel(hub: "\(job.place.address)")
        gate = Gate("something to draw", on: session.reactor)
    }

    /// Draws each change, until the end.
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
        failure = error as? Failure ?? Failure("\(error)")
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
            // Stops here, and goes on with what SIGCONT does.
            kill(getpid(), SIGSTOP)
        case SIGCONT:
            terminal.begin()
        default:
            terminal.forget()
        }
        gate.open()
    }
}

/// Counts handoffs by channel: all while there are few, and the first of each interval while there are many, so that neither
/// the hub nor the watcher has much to do. On the reactor's thread only.
private final class HandoffCounter: @unchecked Sendable {
    // Sendable: see above.

    private static let mostAtATime = 2000

    private let link: HubLink
    private var counts: [String: Int] = [:]
    private var total = 0
    private var tracing: Int?
    /// Whether the hub lets itself be traced.
    private(set) var isAllowed = true

    init(_ link: HubLink) {
        self.link = link
        begin()
    }

    private func begin() {
        guard tracing == nil, isAllowed else { return }
        tracing = link.request(.trace(TraceCommand(format: .json)), isStream: true) { [self] answer in take(answer) }
    }

    private func take(_ answer: HubLink.Answer) {
        switch answer {
        case .reply(.data(let bytes)):
            guard total < Self.mostAtATime,
                let handoff = try? JSONDecoder().decode(HandoffReport.self, from: Data(bytes))
            else { return }
            counts[handoff.channel, default: 0] += 1
            total += 1
            if total == Self.mostAtATime, let tracing { link.cancel(tracing) }
        case .reply(.cancelled): tracing = nil
        case .reply, .lost:
            tracing = nil
            isAllowed = false
        }
    }

    /// What was seen since the last time.
    func takeCounts() -> [String: Int] {
        defer {
            counts = [:]
            total = 0
            begin()
        }
        return counts
    }
}
