import ArgumentParser
import Glibc
import SluiceRuntime
import SluiceWire

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a message, or the lines of standard input.",
        discussion: """
            Without a message, each line of standard input is one, and they arrive in their order. The status is 0 when \
            all were taken. The first that is not ends the reading; those that are on their way by then are answered for \
            too, and counted on stderr.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        help: ArgumentHelp("How long each message may wait for a receiver; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Option(help: ArgumentHelp("accepted (by the channel, if it buffers) or taken (by a receiver).", valueName: "WHEN"))
    var until: Goal?

    @Option(
        help: ArgumentHelp("On a broadcast: wait for so many receivers.", valueName: "N"), transform: Spelled.positive)
    var need: Int?

    @Option(
        help: ArgumentHelp("Call the one message so: sent again, it arrives once.", valueName: "ID"),
        transform: Spelled.identity)
    var id: MessageID?

    @Flag(name: [.customShort("0"), .long], help: "Messages on standard input end with a zero byte.")
    var null = false

    @Flag(help: "Standard input is one message.")
    var whole = false

    @Flag(help: "Go on with the next line when one was not taken in time.")
    var keepGoing = false

    @Flag(help: "Print what became of the messages, as JSON.")
    var json = false

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    @Argument(help: ArgumentHelp("The message; several words are joined by spaces.", valueName: "message"))
    var words: [String] = []

    func validate() throws {
        guard !null || !whole else { throw ValidationError("--null and --whole exclude each other") }
        guard words.isEmpty || !(null || whole) else {
            throw ValidationError("--null and --whole are for standard input, and there is a message")
        }
        guard id == nil || whole || !words.isEmpty else {
            throw ValidationError("--id names one message: give it, or --whole")
        }
    }

    func run() throws {
        let template = SendCommand(
            channel: channel, body: [], timeout: timeout, identity: id.map { SendIdentity($0) },
            until: until?.goal, minimumReceivers: need)
        let job = SendJob(
            place: try hub.place(), template: template,
            message: words.isEmpty ? nil : Array(words.joined(separator: " ").utf8),
            framing: whole ? .whole : null ? .null : .lines, keepsGoing: keepGoing, printsJSON: json)
        Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }

    enum Goal: String, ExpressibleByArgument, CaseIterable {
        case accepted, taken

        var goal: SendGoal {
            switch self {
            case .accepted: .accepted
            case .taken: .taken
            }
        }
    }
}

/// What `send` does.
struct SendJob: Sendable {
    let place: HubPlace
    let template: SendCommand
    /// Nil takes them from standard input.
    let message: Body?
    let framing: MessageSplitter.Framing
    let keepsGoing: Bool
    let printsJSON: Bool

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        let sending = Sending(template, on: link)
        let progress = try Progress("sent", in: session)
        sending.onOutcome = { progress.add(1) }
        var trouble: Failure?
        if let message {
            session.interruption.react { _ in sending.stop() }
            try await sending.send(message)
        } else {
            let input = InputBlocks(on: session.reactor)
            session.interruption.react { _ in
                input.stop()
                sending.stop()
            }
            do { try await sendAll(of: input, by: sending, link, session) } catch let failure as Failure {
                trouble = failure
            }
        }
        try await sending.settle()
        progress.end()
        return try await conclude(sending.tally, trouble, session)
    }

    private func sendAll(of input: InputBlocks, by sending: Sending, _ link: HubLink, _ session: Session) async throws {
        var splitter = MessageSplitter(framing, maxBytes: link.maxBodyBytes)
        var isAtEnd = false
        while !isAtEnd {
            if let block = try await input.next() { splitter.append(block) } else { isAtEnd = true }
            guard session.interruption.signal == nil else { return }
            if isAtEnd { splitter.end() }
            while let message = try splitter.next() {
                guard mayGoOn(sending.tally), session.interruption.signal == nil else { return }
                try await sending.send(message)
            }
            guard mayGoOn(sending.tally) else { return }
        }
    }

    private func mayGoOn(_ tally: SendTally) -> Bool {
        tally.failed == (keepsGoing ? tally.timedOut : 0)
    }

    private func conclude(_ tally: SendTally, _ trouble: Failure?, _ session: Session) async throws -> Ending {
        if printsJSON { try await StandardOutput(on: session.reactor).write(JSONLine.bytes(tally)) }
        if let complaint = tally.complaint { session.console.complain(complaint) }
        if let trouble {
            session.console.complain(trouble.message)
            return .status(tally.status == .success ? trouble.status : tally.status)
        }
        return .status(tally.status)
    }
}
