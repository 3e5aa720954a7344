import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

/// The commands for dead channels, which keep rejected messages.
struct DeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "Look at rejected messages, and send them back.",
        subcommands: [ListDead.self, ShowDead.self, RedriveDead.self])
}

struct ListDead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the dead channels, and the channels whose rejected messages they keep.")

    @OptionGroup var hub: HubOptions

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func run() throws {
        let place = try hub.place()
        let printsJSON = json
        Invocation.run(quiet: hub.quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let report: ChannelsReport = try await client.report(on: .channels(prefix: nil), limit: .max)
            let rows = DeadChannelRow.rows(of: report)
            let text = printsJSON ? rows.flatMap { JSONLine.bytes($0) } : DeadChannelRow.table(of: rows)
            return try await invocation.finish(printing: text)
        }
    }
}

/// A channel whose rejected messages move to a dead channel, as `dead list` shows it.
struct DeadChannelRow: Encodable, Hashable {
    /// The dead channel.
    var dead: String
    /// The number of messages that the dead channel keeps. Nil if there is no such channel.
    var messages: Int?
    /// The channel that the rejected messages come from.
    var from: String
    /// The number of its messages that were rejected since it exists.
    var rejected: Int
    /// The number of its rejected messages that the dead channel does not take. Nil if the hub does not tell.
    var waiting: Int?
    /// Why the dead channel takes no messages. Nil if it takes some, or is full.
    var problem: String?

    static func rows(of report: ChannelsReport) -> [DeadChannelRow] {
        let channels = Dictionary(report.channels.map { ($0.name, $0) }) { first, _ in first }
        return
            report.channels
            .compactMap { source in
                source.dead.map {
                    DeadChannelRow(
                        dead: $0, messages: channels[$0].map { $0.buffered + $0.leased }, from: source.name,
                        rejected: source.rejected ?? 0, waiting: source.waitingDeadLetters,
                        problem: problem(of: channels[$0]))
                }
            }
            .sorted { ($0.dead, $0.from) < ($1.dead, $1.from) }
    }

    private static func problem(of dead: ChannelReport?) -> String? {
        guard let dead else { return "does not exist" }
        if dead.state != .open { return "is \(dead.state.rawValue)" }
        return dead.kind == .queue && dead.capacity > 0 ? nil : "keeps no messages"
    }

    static func table(of rows: [DeadChannelRow]) -> [UInt8] {
        if rows.isEmpty { return Array("no channel has a dead channel\n".utf8) }
        var table = TextTable(
            .text("DEAD"), .text("MESSAGES"), .text("FROM"), .number("REJECTED"), .number("WAITING"))
        for row in rows {
            let messages = row.problem ?? row.messages.map { "\($0)" }
            table.append(row.dead, messages, row.from, "\(row.rejected)", row.waiting.map { "\($0)" })
        }
        return Array(table.text().utf8).escapedForTerminal(keepingBreaks: true) + [0x0A]
    }
}

struct ShowDead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show messages of a dead channel, which keeps them.",
        discussion: """
            Receives the messages with a lease and gives them back, so that their attempt is counted, and no other \
            receiver gets them in between.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("How many messages to show at most.", valueName: "N"),
        transform: Spelled.positive)
    var count = 20

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @Argument(help: "The dead channel.", transform: Spelled.name)
    var channel: ChannelName

    func run() throws {
        let place = try hub.place()
        let (most, printsJSON, name) = (count, json, channel.description)
        Invocation.run(quiet: hub.quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let channel = try client.channel(name)
            var held: [LeasedDelivery] = []
            var text: [UInt8] = []
            while held.count < most, let letter = try await next(on: channel) {
                held.append(letter)
                let row = DeadLetterRow(letter)
                text += printsJSON ? JSONLine.bytes(row) : row.text.escapedForTerminal(keepingBreaks: true)
            }
            // In this order they keep their places.
            for letter in held { try await letter.nack() }
            return try await invocation.finish(printing: text)
        }
    }
}

/// Receives the next message, if the channel has one.
private func next(on channel: RemoteChannel) async throws(SluiceError) -> LeasedDelivery? {
    do {
        return try await channel.receive(lease: .seconds(60), timeout: .zero)
    } catch  where error.code == .timedOut {
        return nil
    }
}

/// A rejected message as `dead show` prints it.
struct DeadLetterRow: Encodable {
    /// The channel that has rejected it. Nil if it was sent to the dead channel like any message.
    var from: String?
    var attempts: Int?
    var reason: String?
    var id: String?
    var trace: String?
    var message: String?
    var base64: String?

    init(_ letter: LeasedDelivery) {
        let content = Content(letter.message.bytes)
        from = letter.origin?.channel
        attempts = letter.origin?.attempts
        reason = letter.origin?.reason
        id = letter.origin?.id
        trace = letter.trace
        message = content.message
        base64 = content.base64
    }

    /// A line about the rejection, and the message.
    var text: [UInt8] {
        var words = [from.map { "from \($0)" } ?? "not rejected"]
        if let attempts { words.append(attempts == 1 ? "1 attempt" : "\(attempts) attempts") }
        if let id { words.append("id \(id)") }
        let head = words.joined(separator: ", ") + (reason.map { ": \($0)" } ?? "")
        return Array("\(head)\n\(message ?? base64.map { "base64 \($0)" } ?? "")\n".utf8)
    }
}

struct RedriveDead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive", abstract: "Send rejected messages back to the channels that they come from.",
        discussion: "Prints how many went back.")

    @OptionGroup var hub: HubOptions

    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("How many to send back at most.", valueName: "N"),
        transform: Spelled.positive)
    var count: Int?

    @Argument(help: "The dead channel.", transform: Spelled.name)
    var channel: ChannelName

    func run() throws {
        let place = try hub.place()
        let (most, name) = (count, channel.description)
        Invocation.run(quiet: hub.quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let moved = try await client.channel(name).redrive(count: most)
            return try await invocation.finish(printing: Array("\(moved)\n".utf8))
        }
    }
}
