import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

struct Receive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recv",
        abstract: "Receive messages: one, some, or all.",
        discussion: """
            Prints a message a line. With --exec, runs the command with /bin/sh for each message, which it gets on its \
            standard input. The message is acknowledged when the command ends with 0; otherwise it goes back, or is \
            rejected after --max-attempts. Only acknowledged messages count for --count. With --exec and --follow, sluice \
            reconnects after a lost connection, even to a hub that was restarted.

            With --answer, what the command prints is the answer to a call: it gets the message as a line, and a line feed \
            at the end of its output is not part of the answer. With --raw as well, both are left as they are.
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var reconnect: ReconnectOptions

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "How many messages to receive, default 1; with --exec, how many commands must succeed.", valueName: "N"),
        transform: Spelled.positive)
    var count: Int?

    @Flag(
        name: .shortAndLong,
        help: "Receive until the channel is closed; the default with --exec, unless there is a --count.")
    var follow = false

    @Option(
        help: ArgumentHelp("How long to wait for each message; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Flag(help: "Acknowledge each message after it is printed, so that none is lost with this program.")
    var ack = false

    @Option(
        help: ArgumentHelp(
            "After how long another receiver gets a message if this program vanishes; renewed while it runs.",
            valueName: "D"),
        transform: Spelled.positiveDuration)
    var lease: Duration?

    @Option(help: ArgumentHelp("Run this command with each message.", valueName: "COMMAND"))
    var exec: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("With --exec: how many commands run at a time.", valueName: "N"),
        transform: Spelled.positive)
    var parallel: Int?

    @Option(
        help: ArgumentHelp(
            "With --exec: how long no receiver gets a message whose command has failed; default 1s.", valueName: "D"),
        transform: Spelled.duration)
    var retryDelay: Duration?

    @Option(
        help: ArgumentHelp(
            "With --exec: as --retry-delay for the first failure, and twice as long after each further one, up to an hour.",
            valueName: "D"),
        transform: Spelled.duration)
    var backoff: Duration?

    @Option(
        help: ArgumentHelp(
            "With --exec: reject a message when its command has failed this many times.", valueName: "N"),
        transform: Spelled.positive)
    var maxAttempts: Int?

    @Flag(help: "With --exec: answer each message with what the command prints; see sluice call.")
    var answer = false

    @Flag(name: [.customShort("0"), .long], help: "Print a zero byte after each message, not a line feed.")
    var null = false

    @Flag(help: "Print messages as they are, with nothing after them.")
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
        guard lease == nil || ack || exec != nil else { throw ValidationError("--lease requires --ack or --exec") }
        guard exec != nil || (parallel == nil && retryDelay == nil && backoff == nil && maxAttempts == nil && !answer)
        else {
            throw ValidationError("--parallel, --retry-delay, --backoff, --max-attempts and --answer require --exec")
        }
        guard retryDelay == nil || backoff == nil else {
            throw ValidationError("--retry-delay and --backoff exclude each other")
        }
        guard !reconnect.noReconnect || exec != nil || follow else {
            throw ValidationError("--no-reconnect requires --exec or --follow: nothing else connects again")
        }
        guard exec == nil || !(ack || null || (raw && !answer) || json) else {
            throw ValidationError("--exec excludes --ack, --null and --json, and --raw without --answer")
        }
    }

    /// What becomes of a message whose command has failed.
    private var failures: RetryPolicy {
        let delay = backoff ?? retryDelay ?? .seconds(1)
        return RetryPolicy(
            delay: delay, longestDelay: backoff == nil ? delay : .seconds(3600), maxAttempts: maxAttempts)
    }

    static let defaultLease = Duration.seconds(30)
    /// The most messages that are on their way here or not printed yet.
    static let window = 512

    func run() throws {
        let place = try hub.place()
        let total = count ?? (follow || exec != nil ? nil : 1)
        var demand = Intake.Demand(channel: channel, timeout: timeout, total: total, window: Self.window)
        if let exec {
            demand.lease = lease ?? Self.defaultLease
            demand.window = parallel ?? 1
            demand.windowBytes = nil
            let job = ExecJob(
                place: place, reconnects: !reconnect.noReconnect, demand: demand, command: exec,
                failures: failures, answering: answer ? (raw ? .exact : .line) : nil)
            Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
        }
        if ack { demand.lease = lease ?? Self.defaultLease }
        let format: MessageFormat = json ? .json : raw ? .raw : null ? .null : .lines
        let job = ReceiveJob(
            place: place, reconnects: follow && !reconnect.noReconnect, demand: demand, format: format)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

extension Intake.Demand {
    /// The exit status when no more messages come. A closed channel is not a failure for a command that asked for all
    /// messages.
    func status(after intake: Intake, in invocation: Invocation) -> ExitStatus {
        guard let ending = intake.ending else { return .success }
        if case .reply(.closed, _) = ending, total == nil { return .success }
        let failure = Failure(ending)
        invocation.console.complain(failure.message)
        return failure.status
    }
}

/// Does what `recv` does without `--exec`.
struct ReceiveJob: Sendable {
    let place: HubPlace
    let reconnects: Bool
    let demand: Intake.Demand
    let format: MessageFormat

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place, reconnecting: reconnects)
        let output = StandardOutput(on: invocation.reactor)
        let keeper = try demand.lease.map { try LeaseKeeper(lease: $0, of: client, in: invocation) }
        let intake = Intake(demand, of: client) { message in
            if let delivery = message.delivery { keeper?.hold(delivery) }
        }
        let hasNoReader = Mark()
        invocation.interruption.react { _ in intake.stop() }
        output.watch {
            hasNoReader.isSet = true
            intake.stop()
        }
        let progress = try Progress("received", in: invocation, isShown: !Console.hasTerminalOutput)
        do {
            while let batch = await intake.nextBatch() {
                // A message that was lost with its connection comes again, and is printed then.
                let held = batch.filter { message in message.delivery.map { keeper?.isHeld($0) ?? false } ?? true }
                try await output.write(bytes(of: held))
                for message in held { if let delivery = message.delivery { keeper?.acknowledge(delivery) } }
                let (heldBytes, bytes) = (Self.size(of: held), Self.size(of: batch))
                intake.release(held.count, bytes: heldBytes)
                intake.release(batch.count - held.count, bytes: bytes - heldBytes, counted: false)
                progress.add(held.count)
            }
        } catch is BrokenPipe {
            progress.end()
            // What was not printed goes back with the connection.
            return .brokenPipe
        }
        try await keeper?.settle()
        progress.end()
        if hasNoReader.isSet { return .brokenPipe }
        return .status(conclude(intake, keeper, invocation))
    }

    private static func size(of batch: [IntakeMessage]) -> Int { batch.reduce(0) { $0 + $1.message.bytes.count } }

    private func bytes(of batch: [IntakeMessage]) -> [UInt8] {
        var bytes: [UInt8] = []
        let isTerminal = Console.hasTerminalOutput
        for message in batch { format.append(message, of: demand.channel, to: &bytes, isTerminal: isTerminal) }
        return bytes
    }

    private func conclude(_ intake: Intake, _ keeper: LeaseKeeper?, _ invocation: Invocation) -> ExitStatus {
        let status = demand.status(after: intake, in: invocation)
        guard let lost = keeper?.lost, lost > 0 else { return status }
        invocation.console.complain("\(lost) messages were printed and may be received again: their leases were lost")
        return .inDoubt
    }
}

/// A condition that is not met yet, or is. On the reactor's thread only.
final class Mark: @unchecked Sendable {
    // Sendable: see above.
    var isSet = false
}
