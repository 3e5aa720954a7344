import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a message, or the lines of standard input.",
        discussion: """
            Without a message argument, each line of standard input is a message, and they arrive in order. The exit \
            status is 0 when all were taken. The first one that is not taken ends the reading; the outcomes of those that \
            are on their way by then are counted on stderr too.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        help: ArgumentHelp("How long each message may wait for a receiver; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        help: ArgumentHelp(
            "When a send is done: accepted (by the channel, if it buffers) or taken (by a receiver).", valueName: "WHEN"
        ))
    var until: Goal?

    @Option(
        help: ArgumentHelp("On a broadcast: the least number of receivers to wait for.", valueName: "N"),
        transform: Spelled.positive)
    var need: Int?

    @Option(
        help: ArgumentHelp("The id of the message: sent again under it, the message arrives once.", valueName: "ID"),
        transform: Spelled.identity)
    var id: MessageID?

    @Option(
        help: ArgumentHelp(
            "No receiver gets the message before this time is over; a channel that buffers keeps it meanwhile.",
            valueName: "D"), transform: Spelled.duration)
    var delay: Duration?

    @Option(
        help: ArgumentHelp(
            "A word that comes with the message, such as a W3C traceparent; recv --exec passes it on as SLUICE_TRACE.",
            valueName: "WORD"), transform: Spelled.trace)
    var trace: String?

    @Flag(name: [.customShort("0"), .long], help: "Messages on standard input end with a zero byte.")
    var null = false

    @Flag(help: "All of standard input is one message.")
    var whole = false

    @Flag(help: "Go on with the next message when one was not taken in time.")
    var keepGoing = false

    @Flag(help: "Print the outcomes of the messages as JSON.")
    var json = false

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    @Argument(help: ArgumentHelp("The message; several words are joined by spaces.", valueName: "message"))
    var words: [String] = []

    func validate() throws {
        guard !null || !whole else { throw ValidationError("--null and --whole exclude each other") }
        guard words.isEmpty || !(null || whole) else {
            throw ValidationError("--null and --whole are for standard input: remove them, or the message")
        }
        guard id == nil || whole || !words.isEmpty else {
            throw ValidationError("--id is for a single message: pass a message, or --whole")
        }
    }

    func run() throws {
        let template = SendCommand(
            channel: channel, body: [], timeout: timeout, identity: id.map { SendIdentity($0) },
            until: until?.goal, minimumReceivers: need, delay: delay, trace: trace.flatMap { TraceContext($0) })
        let job = SendJob(
            place: try hub.place(), template: template,
            message: words.isEmpty ? nil : Array(words.joined(separator: " ").utf8),
            framing: whole ? .whole : null ? .null : .lines, keepsGoing: keepGoing, printsJSON: json)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
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

/// Does what `send` does.
struct SendJob: Sendable {
    let place: HubPlace
    let template: SendCommand
    /// The only message; nil reads messages from standard input.
    let message: Body?
    let framing: MessageSplitter.Framing
    let keepsGoing: Bool
    let printsJSON: Bool

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place)
        let sending = CountedSending(template, of: client)
        let progress = try Progress("sent", in: invocation)
        sending.onOutcome { progress.add(1) }
        var trouble: Failure?
        if let message {
            invocation.interruption.react { _ in sending.stop() }
            await sending.send(message)
        } else {
            let input = InputBlocks(on: invocation.reactor)
            invocation.interruption.react { _ in
                input.stop()
                sending.stop()
            }
            do { try await sendAll(of: input, by: sending, client, invocation) } catch let failure as Failure {
                trouble = failure
            }
        }
        await sending.settle()
        progress.end()
        return try await conclude(sending.tally, trouble, invocation)
    }

    private func sendAll(
        of input: InputBlocks, by sending: CountedSending, _ client: Client, _ invocation: Invocation
    ) async throws {
        var splitter = MessageSplitter(framing, maxBytes: client.greeting?.maxMessageBytes ?? Limits().maxBodyBytes)
        var isAtEnd = false
        while !isAtEnd {
            if let block = try await input.next() { splitter.append(block) } else { isAtEnd = true }
            guard invocation.interruption.signal == nil else { return }
            if isAtEnd { splitter.end() }
            while let message = try splitter.next() {
                guard mayGoOn(sending.tally), invocation.interruption.signal == nil else { return }
                await sending.send(message)
            }
            guard mayGoOn(sending.tally) else { return }
        }
    }

    private func mayGoOn(_ tally: SendTally) -> Bool {
        tally.failed == (keepsGoing ? tally.timedOut : 0)
    }

    private func conclude(_ tally: SendTally, _ trouble: Failure?, _ invocation: Invocation) async throws -> Ending {
        if printsJSON { try await StandardOutput(on: invocation.reactor).write(JSONLine.bytes(tally)) }
        if let complaint = tally.complaint { invocation.console.complain(complaint) }
        if let trouble {
            invocation.console.complain(trouble.message)
            return .status(tally.status == .success ? trouble.status : tally.status)
        }
        return .status(tally.status)
    }
}
