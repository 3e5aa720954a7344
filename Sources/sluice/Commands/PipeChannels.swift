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
            taken it: none is lost, and one that was in doubt comes again.
            """)

    @OptionGroup var hub: HubOptions

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
            demand: Intake.Demand(channel: source, lease: lease, window: Receive.window), channel: destination,
            lease: lease)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// Does what `pipe` does.
struct PipeJob: Sendable {
    let source: HubPlace
    let destination: HubPlace
    let demand: Intake.Demand
    let channel: ChannelName
    let lease: Duration

    func run(in invocation: Invocation) async throws -> Ending {
        let from = try await invocation.connect(to: source)
        let to = try await invocation.connect(to: destination)
        let keeper = try LeaseKeeper(lease: lease, of: from, in: invocation)
        let sending = CountedSending(SendCommand(channel: channel, body: []), of: to)
        let intake = Intake(demand, of: from) { message in if let delivery = message.delivery { keeper.hold(delivery) }
        }
        invocation.interruption.react { _ in
            intake.stop()
            sending.stop()
        }
        invocation.watch(to) { intake.stop() }
        let progress = try Progress("forwarded", in: invocation)
        while let batch = await intake.nextBatch() {
            for message in batch { await forward(message, intake, keeper, sending, progress) }
        }
        await sending.settle()
        try await keeper.settle()
        progress.end()
        if let complaint = sending.tally.complaint, invocation.interruption.signal == nil {
            invocation.console.complain(complaint)
            return .status(sending.tally.status)
        }
        if let loss = to.loss, invocation.interruption.signal == nil { throw loss }
        let status = demand.status(after: intake, in: invocation)
        return .status(keeper.lost > 0 ? .inDoubt : status)
    }

    private func forward(
        _ message: IntakeMessage, _ intake: Intake, _ keeper: LeaseKeeper, _ sending: CountedSending,
        _ progress: Progress
    ) async {
        guard let delivery = message.delivery else { return }
        guard sending.tally.failed == 0 else { return keeper.nack(delivery) }
        let bytes = delivery.message.bytes
        await sending.send(bytes) { outcome in
            if case .reply(.ok, _) = outcome {
                keeper.acknowledge(delivery)
                progress.add(1)
            } else {
                keeper.nack(delivery)
                intake.stop()
            }
            intake.release(1, bytes: bytes.count)
        }
    }
}
