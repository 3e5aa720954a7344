import ArgumentParser
import SluiceRuntime
import SluiceWire

struct PipeChannels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipe",
        abstract: "Forward messages from one channel to another, of this hub or another one.",
        discussion: """
            In their order, until the first channel is closed. A message is acknowledged when the second channel has \
            taken it: none is lost, and one that was in doubt comes again.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        help: ArgumentHelp("The hub of the second channel, if it is another one.", valueName: "HOST:PORT|unix:PATH"))
    var to: String?

    @Option(
        help: ArgumentHelp("How soon a message is free again when this machine is gone.", valueName: "D"),
        transform: Spelled.lease)
    var lease = Duration.seconds(30)

    @Argument(help: "Where to receive.", transform: Spelled.name)
    var source: ChannelName

    @Argument(help: "Where to send.", transform: Spelled.name)
    var destination: ChannelName

    func validate() throws {
        guard to != nil || source != destination else { throw ValidationError("a channel cannot be piped into itself") }
    }

    func run() throws {
        let place = try hub.place()
        let job = PipeJob(
            source: place, destination: try to.map { try hub.place(at: $0) } ?? place,
            demand: Intake.Demand(channel: source, lease: lease), channel: destination)
        Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// What `pipe` does.
struct PipeJob: Sendable {
    let source: HubPlace
    let destination: HubPlace
    let demand: Intake.Demand
    let channel: ChannelName

    func run(in session: Session) async throws -> Ending {
        let from = try await HubLink.open(source, in: session)
        let to = try await HubLink.open(destination, in: session)
        let keeper = try LeaseKeeper(lease: demand.lease ?? .seconds(30), on: from)
        let sending = Sending(SendCommand(channel: channel, body: []), on: to)
        let intake = Intake(demand, from: from)
        intake.onArrival = { message in if let delivery = message.delivery { keeper.hold(delivery) } }
        session.interruption.react { _ in
            intake.stop()
            sending.stop()
        }
        to.onLoss { _ in intake.stop() }
        let progress = try Progress("forwarded", in: session)
        while let batch = try await intake.next() {
            for message in batch { try await forward(message, intake, keeper, sending, progress) }
        }
        try await sending.settle()
        try await from.settle()
        progress.end()
        if let complaint = sending.tally.complaint, session.interruption.signal == nil {
            session.console.complain(complaint)
            return .status(sending.tally.status)
        }
        if let loss = to.loss, session.interruption.signal == nil { throw loss }
        let status = demand.status(after: intake, in: session)
        return .status(keeper.lost > 0 ? .inDoubt : status)
    }

    private func forward(
        _ message: Delivery, _ intake: Intake, _ keeper: LeaseKeeper, _ sending: Sending, _ progress: Progress
    ) async throws {
        guard let delivery = message.delivery else { return }
        guard sending.tally.failed == 0 else { return keeper.giveBack(delivery) }
        try await sending.send(message.body) { answer in
            if case .reply(.ok) = answer {
                keeper.acknowledge(delivery)
                progress.add(1)
            } else {
                keeper.giveBack(delivery)
                intake.stop()
            }
            intake.release(1, bytes: message.body.count)
        }
    }
}
