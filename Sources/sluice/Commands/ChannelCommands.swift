import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

/// A command that succeeds with `OK`.
struct PlainJob: Sendable {
    let place: HubPlace
    let command: Command

    func run(quiet: Bool) -> Never {
        Invocation.run(quiet: quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let reply = try await client.reply(to: command)
            guard case .ok = reply else { throw Failure(reply) }
            await client.close()
            return .status(.success)
        }
    }
}

struct OpenChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Declare what a channel does with its messages, or reopen one that has ended.")

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("queue, broadcast (every receiver gets each message) or once.", valueName: "KIND"))
    var kind = Kind.queue

    @Option(
        help: ArgumentHelp("How many messages a queue keeps; default 0.", valueName: "N"),
        transform: Spelled.positive)
    var capacity: Int?

    @Option(help: ArgumentHelp("What a full queue does: block, drop-newest or drop-oldest.", valueName: "O"))
    var overflow: OverflowWord?

    @Option(
        help: ArgumentHelp("Reject a message when this many attempts to process it have failed.", valueName: "N"),
        transform: Spelled.positive)
    var maxAttempts: Int?

    @Option(
        help: ArgumentHelp(
            "The channel that rejected messages move to; it must have a capacity.", valueName: "CHANNEL"),
        transform: Spelled.name)
    var dead: ChannelName?

    @Option(
        help: ArgumentHelp(
            "How long to wait after the first failed attempt; twice as long after each further one.", valueName: "D"),
        transform: Spelled.duration)
    var retry: Duration?

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    private var policy: FailurePolicy? {
        FailurePolicy(maxAttempts: maxAttempts, deadChannel: dead, retryDelay: retry).ifAny
    }

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case queue, broadcast, once
    }

    enum OverflowWord: String, ExpressibleByArgument, CaseIterable {
        case block
        case dropNewest = "drop-newest"
        case dropOldest = "drop-oldest"
    }

    func validate() throws {
        guard kind == .queue || (capacity == nil && overflow == nil) else {
            throw ValidationError("--capacity and --overflow require --kind queue")
        }
        guard kind == .queue || policy == nil else {
            throw ValidationError("--max-attempts, --dead and --retry require --kind queue")
        }
        guard dead != channel else { throw ValidationError("--dead must be another channel") }
    }

    func run() throws {
        let declaration: ChannelDeclaration =
            switch kind {
            case .queue:
                .queue(
                    capacity: capacity ?? 0, overflow: overflow.flatMap { Overflow(rawValue: $0.rawValue) } ?? .block)
            case .broadcast: .broadcast
            case .once: .once
            }
        PlainJob(place: try hub.place(), command: .open(OpenCommand(channel, declaration, policy))).run(
            quiet: hub.quiet)
    }
}

struct CloseChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a channel: what was sent is still received, and then the channel ends.")

    @OptionGroup var hub: HubOptions

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    func run() throws {
        PlainJob(place: try hub.place(), command: .close(channel)).run(quiet: hub.quiet)
    }
}

struct PoisonChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison", abstract: "End a channel at once, on both sides; its messages are lost.")

    @OptionGroup var hub: HubOptions

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    @Argument(help: ArgumentHelp("The reason, which senders and receivers get.", valueName: "reason"))
    var reason: [String] = []

    func run() throws {
        let text = String(readableReason: reason.joined(separator: " "))
        PlainJob(place: try hub.place(), command: .poison(channel, text)).run(quiet: hub.quiet)
    }
}

struct MeetAtBarrier: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "barrier", abstract: "Wait until all parties are at the barrier.")

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How long to wait; 0 tries once.", valueName: "D"), transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("The number of parties, including this one.", valueName: "N"),
        transform: Spelled.positive)
    var parties: Int

    @Argument(help: "The barrier.", transform: Spelled.name)
    var name: ChannelName

    func run() throws {
        let command = BarrierCommand(name, parties: parties, timeout: timeout)
        PlainJob(place: try hub.place(), command: .barrier(command)).run(quiet: hub.quiet)
    }
}
