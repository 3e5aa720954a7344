import ArgumentParser
import SluiceClient
import SluiceRuntime
import SluiceWire

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a message and print its answer.",
        discussion: """
            A receiver answers with recv --exec --answer, or with ACK. Without a message argument, all of standard input is \
            the message. The answer is printed with a line feed after it. The exit status is 0 when there is an answer, \
            3 when nobody took the message in time, 4 when the channel is closed or poisoned, 5 when a receiver has it and may still work on it (repeat the call with \
            the same --id to get its answer), 6 when it was rejected, and 1 when the hub refused it, or it was taken without an answer.
            """)

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How long to wait; 0 tries once.", valueName: "D"), transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        help: ArgumentHelp("The id of the call: repeated under it, it gets the same answer.", valueName: "ID"),
        transform: Spelled.identity)
    var id: MessageID?

    @Option(
        help: ArgumentHelp(
            "A word that comes with the message, such as a W3C traceparent; recv --exec passes it on as SLUICE_TRACE.",
            valueName: "WORD"), transform: Spelled.trace)
    var trace: String?

    @Flag(help: "Print the answer as it is, with nothing after it.")
    var raw = false

    @Flag(help: "Print the answer as JSON.")
    var json = false

    @Argument(help: "The channel.", transform: Spelled.name)
    var channel: ChannelName

    @Argument(help: ArgumentHelp("The message; several words are joined by spaces.", valueName: "message"))
    var words: [String] = []

    func validate() throws {
        guard !raw || !json else { throw ValidationError("--raw and --json exclude each other") }
    }

    func run() throws {
        let template = SendCommand(
            channel: channel, body: [], timeout: timeout, identity: id.map { SendIdentity($0) },
            trace: trace.flatMap { TraceContext($0) }, wantsAnswer: true)
        let job = CallJob(
            place: try hub.place(), template: template,
            message: words.isEmpty ? nil : Array(words.joined(separator: " ").utf8),
            format: json ? .json : raw ? .raw : .lines)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// Does what `call` does.
struct CallJob: Sendable {
    let place: HubPlace
    let template: SendCommand
    /// The message; nil reads it from standard input.
    let message: Body?
    let format: MessageFormat

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place)
        var command = template
        guard let body = try await body(client, invocation) else { return .status(.error) }
        command.body = .owned(body)
        let call = invocation.reactor.spawn("the call") { [command] in
            try await client.reply(to: .send(command))
        }
        // The call is withdrawn, and its outcome is still reported.
        invocation.interruption.react { _ in call.cancel() }
        switch try await call.value {
        case .data(let answer, _): return try await show(answer, invocation)
        case .ok:
            invocation.console.complain("the message was taken without an answer")
            return .status(.error)
        case let reply:
            let failure = Failure(reply, sendingOn: template.channel)
            invocation.console.complain(failure.message)
            return .status(failure.status)
        }
    }

    /// Returns the message; nil if a signal came before the end of standard input.
    private func body(_ client: Client, _ invocation: Invocation) async throws -> Body? {
        if let message { return message }
        let input = InputBlocks(on: invocation.reactor)
        invocation.interruption.react { _ in input.stop() }
        var splitter = MessageSplitter(.whole, maxBytes: client.greeting?.maxMessageBytes ?? Limits().maxBodyBytes)
        while let block = try await input.next() {
            splitter.append(block)
            // Fails as soon as the message is too long.
            _ = try splitter.next()
        }
        guard invocation.interruption.signal == nil else { return nil }
        splitter.end()
        return try splitter.next() ?? []
    }

    private func show(_ answer: Body, _ invocation: Invocation) async throws -> Ending {
        var bytes: [UInt8] = []
        switch format {
        case .json: bytes = JSONLine.bytes(AnswerRecord(template.channel, Content(answer)))
        case .raw, .null: bytes = answer
        case .lines:
            bytes = Console.hasTerminalOutput ? answer.escapedForTerminal(keepingBreaks: true) : answer
            bytes.append(0x0A)
        }
        return try await invocation.finish(printing: bytes)
    }
}

/// An answer as `call --json` prints it.
struct AnswerRecord: Encodable {
    var channel: String
    var answer: String?
    var base64: String?

    init(_ channel: ChannelName, _ content: Content) {
        self.channel = channel.description
        answer = content.message
        base64 = content.base64
    }
}
