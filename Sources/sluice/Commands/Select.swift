import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

struct Select: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait on several channels, and take exactly one arm.",
        discussion: """
            Commas separate the arms: sluice select recv a , recv b , send c hi , else. An arm is recv CHANNEL, send \
            CHANNEL MESSAGE, barrier NAME [PARTIES], or a last else. Prints the number of the arm that was taken, from 0, \
            and the message: "1 recv b hello", "2 send c", "3 else".
            """)

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How long to wait; 0 tries once.", valueName: "D"), transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        help: ArgumentHelp(
            "Which of several ready arms is taken: fair, first (in the order written) or random.", valueName: "O"))
    var order = Order.fair

    @Flag(help: "Print the result as JSON.")
    var json = false

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("The arms.", valueName: "arm , arm"))
    var words: [String] = []

    enum Order: String, ExpressibleByArgument, CaseIterable {
        case fair, first, random

        var order: SelectCommand.Order {
            switch self {
            case .fair: .fair
            case .first: .first
            case .random: .random
            }
        }
    }

    func run() throws {
        var command = try ArmWords(words).command()
        if command.hasElse, timeout != nil {
            throw Failure("a select with else never waits: remove --timeout", .usage)
        }
        command.timeout = timeout
        command.order = order.order
        let job = SelectJob(place: try hub.place(), command: command, printsJSON: json)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// The arms of a select, as words with commas between them.
struct ArmWords {
    private let arms: [[String]]

    init(_ words: [String]) {
        arms = words.split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    }

    func command() throws(Failure) -> SelectCommand {
        var command = SelectCommand(arms: [])
        for (index, words) in arms.enumerated() {
            if words == ["else"] {
                guard index == arms.count - 1, index > 0 else {
                    throw Self.usage("else must be the last arm, and not the only one")
                }
                command.hasElse = true
            } else {
                command.arms.append(try Self.arm(words))
            }
        }
        return command
    }

    private static func arm(_ words: [String]) throws(Failure) -> Arm {
        switch (words.first, words.count) {
        case ("recv", 2): return .receive(try name(words[1]))
        case ("send", 3...): return .send(try name(words[1]), Array(words[2...].joined(separator: " ").utf8))
        case ("barrier", 2): return .barrier(try name(words[1]))
        case ("barrier", 3):
            guard let parties = Int(words[2]), parties > 0 else {
                throw usage("parties must be at least 1: \(words[2])")
            }
            return .barrier(try name(words[1]), parties: parties)
        default:
            throw usage("an arm is recv CHANNEL, send CHANNEL MESSAGE, barrier NAME [PARTIES], or a last else")
        }
    }

    private static func name(_ text: String) throws(Failure) -> ChannelName {
        guard let name = ChannelName(text) else { throw usage(ChannelName.rule) }
        return name
    }

    private static func usage(_ message: String) -> Failure { Failure(message, .usage) }
}

/// Does what `select` does.
struct SelectJob: Sendable {
    let place: HubPlace
    let command: SelectCommand
    let printsJSON: Bool

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place)
        let reply = try await client.reply(to: .select(command))
        guard let choice = Choice(reply, of: command) else { throw Failure(reply) }
        let line = choice.line
        let isText = !Console.hasTerminalOutput
        return try await invocation.finish(
            printing: printsJSON ? JSONLine.bytes(choice) : isText ? line : line.escapedForTerminal(keepingBreaks: true)
        )
    }
}

/// The arm that a select has taken.
struct Choice: Encodable {
    var arm: Int
    /// As on the command line: `recv`, `send`, `barrier` or `else`.
    var kind: String
    var channel: String?
    var message: String?
    var base64: String?
    private let body: Body?

    private enum CodingKeys: CodingKey {
        case arm, kind, channel, message, base64
    }

    /// Returns nil when the reply says that no arm was taken.
    init?(_ reply: Reply, of command: SelectCommand) {
        var received: Body?
        let attributes: Attributes
        switch reply {
        case .ok(let all), .otherwise(let all): attributes = all
        case .message(_, let body, let all):
            attributes = all
            received = body
        default: return nil
        }
        arm = attributes.arm ?? 0
        body = received
        switch command.arms.indices.contains(arm) ? command.arms[arm] : nil {
        case .receive(let name, _): (kind, channel) = ("recv", name.description)
        case .send(let name, _, _, _): (kind, channel) = ("send", name.description)
        case .barrier(let name, _): (kind, channel) = ("barrier", name.description)
        case nil: kind = "else"
        }
        if let received {
            let content = Content(received)
            (message, base64) = (content.message, content.base64)
        }
    }

    /// For `read -r arm kind channel message`.
    var line: [UInt8] {
        var words = ["\(arm)", kind]
        if let channel { words.append(channel) }
        var bytes = Array(words.joined(separator: " ").utf8)
        if let body { bytes += [0x20] + body }
        return bytes + [0x0A]
    }
}
