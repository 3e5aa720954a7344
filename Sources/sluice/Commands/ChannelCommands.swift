import ArgumentParser
import SluiceRuntime
import SluiceWire

/// A command that the hub only does or refuses.
struct PlainJob: Sendable {
    let place: HubPlace
    let command: Command

    func run(quiet: Bool) -> Never {
        Session.run(quiet: quiet) { session in
            let link = try await HubLink.open(place, in: session)
            try await link.settled(command)
            await link.close()
            return .status(.success)
        }
    }
}

struct OpenChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Declare what a channel does with its messages, or open one anew that has ended."
    )

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("queue, broadcast (each message is everybody's) or once.", valueName: "KIND"))
    var kind = Kind.queue

    @Option(
        help: ArgumentHelp("How many messages a queue keeps; 0 if left out.", valueName: "N"),
        transform: Spelled.positive)
    var capacity: Int?

    @Option(help: ArgumentHelp("What a full queue does: block, drop-newest or drop-oldest.", valueName: "O"))
    var overflow: OverflowWord?

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

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
            throw ValidationError("--capacity and --overflow are for --kind queue")
        }
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
        PlainJob(place: try hub.place(), command: .open(OpenCommand(channel, declaration))).run(quiet: hub.quiet)
    }
}

struct CloseChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a channel: what was sent is still received, and then it has ended.")

    @OptionGroup var hub: HubOptions

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    func run() throws {
        PlainJob(place: try hub.place(), command: .close(channel)).run(quiet: hub.quiet)
    }
}

struct PoisonChannel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison", abstract: "End a channel at once, for both sides; what it keeps is gone.")

    @OptionGroup var hub: HubOptions

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    @Argument(help: ArgumentHelp("Why.", valueName: "reason"))
    var reason: [String] = []

    func run() throws {
        let text = String(readableReason: reason.joined(separator: " "))
        PlainJob(place: try hub.place(), command: .poison(channel, text)).run(quiet: hub.quiet)
    }
}

struct MeetAtBarrier: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "barrier", abstract: "Wait until so many are there, and go on together.")

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How long to wait; 0 tries once.", valueName: "D"), transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("How many are to come, this one included.", valueName: "N"),
        transform: Spelled.positive)
    var parties: Int

    @Argument(help: "The barrier.", transform: Spelled.name)
    var name: ChannelName

    func run() throws {
        let command = BarrierCommand(name, parties: parties, timeout: timeout)
        PlainJob(place: try hub.place(), command: .barrier(command)).run(quiet: hub.quiet)
    }
}
