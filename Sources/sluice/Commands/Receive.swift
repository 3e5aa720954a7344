import ArgumentParser
import SluiceRuntime
import SluiceWire

struct Receive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recv",
        abstract: "Receive messages: one, some, or all that come.",
        discussion: """
            Prints a message a line. With --exec, runs the command with /bin/sh for each message, which is on its \
            standard input, and acknowledges it when the command ends with 0; otherwise the message goes back.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("How many messages; 1 if left out.", valueName: "N"),
        transform: Spelled.positive)
    var count: Int?

    @Flag(name: .shortAndLong, help: "Go on until the channel is closed; so with --exec, unless there is a --count.")
    var follow = false

    @Option(
        help: ArgumentHelp("How long to wait for each message; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Flag(help: "Acknowledge each message when it is printed, so that none is lost with this program.")
    var ack = false

    @Option(
        help: ArgumentHelp(
            "How soon another one gets a message if this program dies without a sign; renewed while it lives.",
            valueName: "D"),
        transform: Spelled.lease)
    var lease: Duration?

    @Option(help: ArgumentHelp("Run this with each message.", valueName: "COMMAND"))
    var exec: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("With --exec: how many run at a time.", valueName: "N"),
        transform: Spelled.positive)
    var parallel: Int?

    @Option(
        help: ArgumentHelp(
            "With --exec: how long nobody gets a message whose command has failed; 1s if left out.", valueName: "D"),
        transform: Spelled.duration)
    var retryDelay: Duration?

    @Flag(name: [.customShort("0"), .long], help: "Print a zero byte behind each message, not a line feed.")
    var null = false

    @Flag(help: "Print messages as they are, with nothing behind them.")
    var raw = false

    @Flag(help: "Print each message as JSON.")
    var json = false

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    func validate() throws {
        guard count == nil || !follow else { throw ValidationError("--count and --follow exclude each other") }
        guard [null, raw, json].count(where: \.self) <= 1 else {
            throw ValidationError("--null, --raw and --json exclude each other")
        }
        guard lease == nil || ack || exec != nil else { throw ValidationError("--lease goes with --ack or --exec") }
        guard exec != nil || (parallel == nil && retryDelay == nil) else {
            throw ValidationError("--parallel and --retry-delay go with --exec")
        }
        guard exec == nil || !(ack || null || raw || json) else {
            throw ValidationError("--exec acknowledges by itself, and what is printed is up to the command")
        }
    }

    private static let usualLease = Duration.seconds(30)

    func run() throws {
        let place = try hub.place()
        let total = count ?? (follow || exec != nil ? nil : 1)
        var demand = Intake.Demand(channel: channel, timeout: timeout, total: total)
        if let exec {
            demand.lease = lease ?? Self.usualLease
            demand.credit = parallel ?? 1
            demand.piece = 1
            let job = ExecJob(place: place, demand: demand, command: exec, retryDelay: retryDelay ?? .seconds(1))
            Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
        }
        if ack { demand.lease = lease ?? Self.usualLease }
        let format: MessageFormat = json ? .json : raw ? .raw : null ? .null : .lines
        let job = ReceiveJob(place: place, demand: demand, format: format)
        Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

extension Intake.Demand {
    /// What to end with when no more messages come. That the channel is closed is no failure for someone who wants all
    /// that there is.
    func status(after intake: Intake, in session: Session) -> ExitStatus {
        guard let ending = intake.ending, total != nil || !intake.isClosed else { return .success }
        session.console.complain(ending.message)
        return ending.status
    }
}

/// What `recv` does without `--exec`.
struct ReceiveJob: Sendable {
    let place: HubPlace
    let demand: Intake.Demand
    let format: MessageFormat

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        let output = StandardOutput(on: session.reactor)
        let keeper = try demand.lease.map { try LeaseKeeper(lease: $0, on: link) }
        let intake = Intake(demand, from: link)
        intake.onArrival = { message in if let delivery = message.delivery { keeper?.hold(delivery) } }
        let gone = Mark()
        session.interruption.react { _ in intake.stop() }
        output.watch {
            gone.isSet = true
            intake.stop()
        }
        let progress = try Progress("received", in: session, isShown: !Console.hasTerminalOutput)
        do {
            while let batch = try await intake.next() {
                try await output.write(bytes(of: batch))
                for message in batch { if let delivery = message.delivery { keeper?.acknowledge(delivery) } }
                intake.release(batch.count, bytes: batch.reduce(0) { $0 + $1.body.count })
                progress.add(batch.count)
            }
        } catch is BrokenPipe {
            progress.end()
            // What was not printed goes back with the connection.
            return .brokenPipe
        }
        try await link.settle()
        progress.end()
        if gone.isSet { return .brokenPipe }
        return .status(conclude(intake, keeper, session))
    }

    private func bytes(of batch: [Delivery]) -> [UInt8] {
        var bytes: [UInt8] = []
        for message in batch { format.append(message, of: demand.channel, to: &bytes) }
        return bytes
    }

    private func conclude(_ intake: Intake, _ keeper: LeaseKeeper?, _ session: Session) -> ExitStatus {
        let status = demand.status(after: intake, in: session)
        guard let lost = keeper?.lost, lost > 0 else { return status }
        session.console.complain("\(lost) messages were printed, and may be received again: their leases were lost")
        return .inDoubt
    }
}

/// Something that is so, or not yet. On the reactor's thread only.
final class Mark: @unchecked Sendable {
    // Sendable: see above.
    var isSet = false
}
