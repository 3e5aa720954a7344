import ArgumentParser
import FoundationEssentials
import SluiceClient
import SluiceRuntime
import SluiceWire

/// The options of the commands that print a report of the hub.
struct ReportOptions: ParsableArguments {
    @OptionGroup var hub: HubOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Prints the report, and ends the process.
    func show(_ subject: Inspection.Subject) throws -> Never {
        let place = try hub.place()
        let inspection = Inspection(subject, format: json ? .json : .text)
        Invocation.run(quiet: hub.quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let reply = try await client.reply(to: .inspect(inspection))
            guard case .data(let bytes, let attributes) = reply else { throw Failure(reply) }
            if attributes.more == nil { return try await print(bytes, in: invocation) }
            return try await print(try await Self.allPages(of: subject, json, from: client), in: invocation)
        }
    }

    /// Returns a report that has more than one page.
    private static func allPages(of subject: Inspection.Subject, _ json: Bool, from client: Client) async throws
        -> [UInt8]
    {
        switch subject {
        case .server: []
        case .channels: try encoded(try await client.report(on: subject, limit: .max) as ChannelsReport, json)
        case .waiters: try encoded(try await client.report(on: subject, limit: .max) as WaitersReport, json)
        case .clients: try encoded(try await client.report(on: subject, limit: .max) as ClientsReport, json)
        case .stuck: try encoded(try await client.report(on: subject, limit: .max) as StuckReport, json)
        }
    }

    private static func encoded(_ report: some Report, _ json: Bool) throws -> [UInt8] {
        guard json else { return Array(report.text.utf8) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(report))
    }
}

private func print(_ bytes: [UInt8], in invocation: Invocation) async throws -> Ending {
    try await invocation.finish(printing: bytes.escapedForTerminal(keepingBreaks: true) + [0x0A])
}

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the hub as a whole.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.server) }
}

struct Channels: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the channels.")

    @OptionGroup var options: ReportOptions

    @Argument(help: "Show only channels whose names begin with this.", transform: Spelled.name)
    var prefix: ChannelName?

    func run() throws { try options.show(.channels(prefix: prefix)) }
}

struct Waiters: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the operations that are waiting, and for how long.")

    @OptionGroup var options: ReportOptions

    @Argument(help: "Show only this channel or barrier.", transform: Spelled.name)
    var channel: ChannelName?

    func run() throws { try options.show(.waiters(channel: channel)) }
}

struct Clients: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the connections.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.clients) }
}

struct Stuck: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show clients that wait for each other in a cycle.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.stuck) }
}

struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show each message as it changes hands, until ctrl-C.")

    @OptionGroup var options: ReportOptions
    @OptionGroup var reconnect: ReconnectOptions

    @Argument(help: "Show only channels whose names begin with this.", transform: Spelled.name)
    var prefix: ChannelName?

    func run() throws {
        let place = try options.hub.place()
        let command = TraceCommand(prefix: prefix, format: options.json ? .json : .text)
        let reconnects = !reconnect.noReconnect
        Invocation.run(quiet: options.hub.quiet) { invocation in
            try await TraceJob(place: place, reconnects: reconnects, command: command).run(in: invocation)
        }
    }
}

/// Does what `trace` does.
struct TraceJob: Sendable {
    let place: HubPlace
    let reconnects: Bool
    let command: TraceCommand

    /// What has been traced and not printed. On the reactor's thread only.
    private final class Lines: @unchecked Sendable {
        // Sendable: see above.
        var bytes: [UInt8] = []
        var ending: Failure?
    }

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place, reconnecting: reconnects)
        // A client without references is closed.
        defer { withExtendedLifetime(client) {} }
        let output = StandardOutput(on: invocation.reactor)
        let gate = Gate("handoffs", on: invocation.reactor)
        let hasNoReader = Mark()
        let lines = Lines()
        client.submit(.trace(command)) { event in
            switch event {
            case .part(.data(let line, _), _): lines.bytes += line.escapedForTerminal(keepingBreaks: true) + [0x0A]
            case .part: break
            case .ended(let outcome): lines.ending = Failure(outcome)
            }
            gate.open()
        }
        output.watch {
            hasNoReader.isSet = true
            gate.open()
        }
        while !hasNoReader.isSet {
            guard !lines.bytes.isEmpty else {
                if let ending = lines.ending { throw ending }
                try await gate.wait()
                continue
            }
            let batch = lines.bytes
            lines.bytes = []
            do { try await output.write(batch) } catch is BrokenPipe { return .brokenPipe }
        }
        return .brokenPipe
    }
}

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close connections; needs a Unix-domain socket, and root or the hub's user.")

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("The connections from this address, as 'clients' shows it.", valueName: "ADDRESS"))
    var client: String?

    @Option(
        help: ArgumentHelp("The connections of this principal.", valueName: "NAME"), transform: Spelled.name)
    var principal: ChannelName?

    @Argument(help: ArgumentHelp("The reason, which the clients get.", valueName: "reason"))
    var reason: [String] = []

    func validate() throws {
        guard (client == nil) != (principal == nil) else {
            throw ValidationError("pass either --client or --principal")
        }
    }

    func run() throws {
        guard let target = client.map(KillCommand.Target.client) ?? principal.map(KillCommand.Target.principal) else {
            return
        }
        let text = String(readableReason: reason.joined(separator: " "))
        PlainJob(place: try hub.place(), command: .kill(KillCommand(target, reason: text))).run(quiet: hub.quiet)
    }
}

struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that the hub answers, and how fast.")

    @OptionGroup var options: ReportOptions

    func run() throws {
        let place = try options.hub.place()
        let printsJSON = options.json
        Invocation.run(quiet: options.hub.quiet) { invocation in
            let client = try await invocation.connect(to: place)
            let time = try await client.ping()
            let microseconds = Int(time / .microseconds(1))
            let text =
                printsJSON
                ? #"{"address":"\#(place.address)","microseconds":\#(microseconds)}"#
                : "\(place.address) answers in \(microseconds / 1000).\(String(microseconds % 1000 + 1000).dropFirst()) ms"
            return try await print(Array(text.utf8), in: invocation)
        }
    }
}
