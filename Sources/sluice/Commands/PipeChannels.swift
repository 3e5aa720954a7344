import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

struct PipeChannels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipe",
        abstract: "Forward messages from one channel to another, at the same hub or another one.",
        discussion: """
            Forwards in order, until the first channel is closed. A message is acknowledged when the second channel has \
            taken it: none is lost, and one that was in doubt comes again. Lost connections are made again, also to hubs that \
            were restarted.
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var reconnect: ReconnectOptions

    @Option(
        help: ArgumentHelp("The hub of the second channel, if it is another one.", valueName: "HOST:PORT|unix:PATH"))
    var to: String?

    @Option(
        help: ArgumentHelp("After how long a message goes back when this machine vanishes.", valueName: "D"),
        transform: Spelled.positiveDuration)
    var lease = Receive.defaultLease

    @Argument(help: "The channel to receive from.", transform: Spelled.name)
    var source: ChannelName

    @Argument(help: "The channel to send to.", transform: Spelled.name)
    var destination: ChannelName

    func validate() throws {
        guard to != nil || source != destination else { throw ValidationError("a channel cannot be piped into itself") }
    }

    func run() throws {
        let place = try hub.place()
        let job = PipeJob(
            source: place, destination: try to.map { try hub.place(at: $0) } ?? place,
            reconnects: !reconnect.noReconnect,
            demand: Intake.Demand(channel: source, lease: lease, window: Receive.window), channel: destination,
            lease: lease)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// Does what `pipe` does.
struct PipeJob: Sendable {
    let source: HubPlace
    let destination: HubPlace
    let reconnects: Bool
    let demand: Intake.Demand
    let channel: ChannelName
    let lease: Duration

    func run(in invocation: Invocation) async throws -> Ending {
        let from = try await invocation.connect(to: source, reconnecting: reconnects)
        let to = try await invocation.connect(to: destination, reconnecting: reconnects)
        let keeper = try LeaseKeeper(lease: lease, of: from, in: invocation)
        let progress = try Progress("forwarded", in: invocation)
        let current = CurrentRun()
        // The run refers to the clients, which are closed when nothing refers to them any more.
        defer { current.run = nil }
        invocation.interruption.react { _ in current.run?.stop() }
        invocation.watch(to) { [reconnects] in if !reconnects { current.run?.intake.stop() } }
        while true {
            let run = ForwardingRun(self, from, to, keeper, progress)
            current.run = run
            try await run.run()
            guard run.hasLostDestination, to.loss == nil, invocation.interruption.signal == nil else {
                progress.end()
                return .status(try conclude(run, to, keeper, invocation))
            }
            // A hub that is about to stop refuses messages until it closes the connection.
            try await sleep(for: .milliseconds(100))
        }
    }

    private func conclude(
        _ run: ForwardingRun, _ to: Client, _ keeper: LeaseKeeper, _ invocation: Invocation
    ) throws -> ExitStatus {
        if let complaint = run.sending.tally.complaint, invocation.interruption.signal == nil {
            invocation.console.complain(complaint)
            return run.sending.tally.status
        }
        if let loss = to.loss, invocation.interruption.signal == nil { throw loss }
        let status = demand.status(after: run.intake, in: invocation)
        return keeper.lost > 0 ? .inDoubt : status
    }
}

/// The run that is under way. On the reactor's thread only.
private final class CurrentRun: @unchecked Sendable {
    // Sendable: see above.
    var run: ForwardingRun?
}

/// Forwards messages until one is not taken. Then all others go back, so that the next run forwards them in their
/// order. On the reactor's thread only.
private final class ForwardingRun: @unchecked Sendable {
    // Sendable: see above.

    let intake: Intake
    let sending: CountedSending
    private let keeper: LeaseKeeper
    private let progress: Progress
    /// Whether a message was not taken because the second hub was lost or is about to stop.
    private(set) var hasLostDestination = false

    init(_ job: PipeJob, _ from: Client, _ to: Client, _ keeper: LeaseKeeper, _ progress: Progress) {
        sending = CountedSending(SendCommand(channel: job.channel, body: []), of: to)
        intake = Intake(job.demand, of: from) { message in
            if let delivery = message.delivery { keeper.hold(delivery) }
        }
        self.keeper = keeper
        self.progress = progress
    }

    func run() async throws {
        while let batch = await intake.nextBatch() {
            for message in batch {
                if let delivery = message.delivery { await forward(delivery) }
            }
        }
        await sending.settle()
        try await keeper.settle()
    }

    func stop() {
        intake.stop()
        sending.stop()
    }

    private func forward(_ delivery: LeasedDelivery) async {
        let bytes = delivery.message.bytes
        // A message that was lost with its connection comes again.
        guard keeper.isHeld(delivery) else { return intake.release(1, bytes: bytes.count) }
        guard sending.tally.failed == 0 else { return keeper.nack(delivery) }
        await sending.send(bytes) { [self] outcome in
            if case .reply(.ok, _) = outcome {
                keeper.acknowledge(delivery)
                progress.add(1)
            } else {
                if outcome.isLossOfHub { hasLostDestination = true }
                keeper.nack(delivery)
                intake.stop()
            }
            intake.release(1, bytes: bytes.count)
        }
    }
}
