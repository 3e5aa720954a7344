import ArgumentParser
import SluiceRuntime
import SluiceWire

/// What the commands share that print a report of the hub's.
struct ReportOptions: ParsableArguments {
    @OptionGroup var hub: HubOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Prints the report, and ends.
    func show(_ subject: Inspection.Subject) throws -> Never {
        let place = try hub.place()
        let inspection = Inspection(subject, format: json ? .json : .text)
        Session.run(quiet: hub.quiet) { session in
            let link = try await HubLink.open(place, in: session)
            let reply = try await link.ask(.inspect(inspection))
            guard case .data(let bytes) = reply else { throw Failure(reply) }
            return try await print(bytes, in: session)
        }
    }
}

private func print(_ bytes: [UInt8], in session: Session) async throws -> Ending {
    do {
        try await StandardOutput(on: session.reactor).write(bytes + [0x0A])
        return .status(.success)
    } catch is BrokenPipe {
        return .brokenPipe
    }
}

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the hub as a whole.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.server) }
}

struct Channels: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the channels.")

    @OptionGroup var options: ReportOptions

    @Argument(help: "How their names begin; all, if left out.", transform: Spelled.name)
    var prefix: ChannelName?

    func run() throws { try options.show(.channels(prefix: prefix)) }
}

struct Waiters: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show who waits on what, since when.")

    @OptionGroup var options: ReportOptions

    @Argument(help: "The channel or barrier; all, if left out.", transform: Spelled.name)
    var channel: ChannelName?

    func run() throws { try options.show(.waiters(channel: channel)) }
}

struct Clients: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the connections.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.clients) }
}

struct Stuck: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show who waits for each other in a circle.")

    @OptionGroup var options: ReportOptions

    func run() throws { try options.show(.stuck) }
}

struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show each message that changes hands, as it happens, until ctrl-C.")

    @OptionGroup var options: ReportOptions

    @Argument(help: "How the names of the channels begin; all, if left out.", transform: Spelled.name)
    var prefix: ChannelName?

    func run() throws {
        let place = try options.hub.place()
        let command = TraceCommand(prefix: prefix, format: options.json ? .json : .text)
        Session.run(quiet: options.hub.quiet) { session in
            try await TraceJob(place: place, command: command).run(in: session)
        }
    }
}

/// What `trace` does.
struct TraceJob: Sendable {
    let place: HubPlace
    let command: TraceCommand

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        let output = StandardOutput(on: session.reactor)
        let gate = Gate("handoffs", on: session.reactor)
        let gone = Mark()
        var lines: [UInt8] = []
        var ending: Failure?
        link.request(.trace(command), isStream: true) { answer in
            switch answer {
            case .reply(.data(let line)): lines += line + [0x0A]
            case .reply(let reply): ending = Failure(reply)
            case .lost(let failure): ending = failure
            }
            gate.open()
        }
        output.watch {
            gone.isSet = true
            gate.open()
        }
        while !gone.isSet {
            guard !lines.isEmpty else {
                if let ending { throw ending }
                try await gate.wait()
                continue
            }
            let batch = lines
            lines = []
            do { try await output.write(batch) } catch is BrokenPipe { return .brokenPipe }
        }
        return .brokenPipe
    }
}

struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the hub for a sign of life, and say how long that took.")

    @OptionGroup var options: ReportOptions

    func run() throws {
        let place = try options.hub.place()
        let printsJSON = options.json
        Session.run(quiet: options.hub.quiet) { session in
            let link = try await HubLink.open(place, in: session)
            let start = session.reactor.nowNanoseconds
            try await link.settled(.ping([]))
            let microseconds = Int((session.reactor.nowNanoseconds - start) / 1000)
            let text =
                printsJSON
                ? #"{"address":"\#(place.address)","microseconds":\#(microseconds)}"#
                : "\(place.address) answers in \(microseconds / 1000).\(String(microseconds % 1000 + 1000).dropFirst()) ms"
            return try await print(Array(text.utf8), in: session)
        }
    }
}
