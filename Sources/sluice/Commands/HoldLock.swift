import ArgumentParser
import Glibc
import SluiceRuntime
import SluiceWire

struct HoldLock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Run a command while nobody else holds the lock.",
        discussion: """
            The lock is a token in a channel (open cap=1 NAME), held under a lease that is renewed while the command \
            runs. It is free again when the command ends, and at once when this program dies; when its machine is gone \
            without a sign, after --lease. Ends with the status of the command.
            """)

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How long to wait for the lock; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        help: ArgumentHelp("How soon the lock is free when this machine is gone without a sign.", valueName: "D"),
        transform: Spelled.lease)
    var lease = Duration.seconds(10)

    @Argument(help: "The lock: the name of a channel that serves nothing else.", transform: Spelled.name)
    var name: ChannelName

    @Argument(parsing: .postTerminator, help: ArgumentHelp("What to run.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("the command is missing: sluice lock NAME -- COMMAND") }
    }

    func run() throws {
        let job = LockJob(place: try hub.place(), name: name, timeout: timeout, lease: lease, command: command)
        Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// What `lock` does.
struct LockJob: Sendable {
    let place: HubPlace
    let name: ChannelName
    let timeout: Duration?
    let lease: Duration
    let command: [String]

    private static let token: Body = Array("lock".utf8)

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        try await putToken(link)
        let keeper = try LeaseKeeper(lease: lease, on: link)
        guard let delivery = try await takeToken(link) else { throw Failure("the hub has given no lease") }
        let status = try await hold(delivery, keeper, session)
        keeper.giveBack(delivery)
        try await link.settle()
        return .code(status)
    }

    /// Makes the lock, unless it is there: a token that is held uses the only room of the channel too, so that there is
    /// never a second one.
    private func putToken(_ link: HubLink) async throws {
        try await link.settled(.open(OpenCommand(name, .queue(capacity: 1, overflow: .block))))
        let reply = try await link.ask(.send(SendCommand(channel: name, body: Self.token, timeout: .zero)))
        switch reply {
        case .ok, .timeout: return
        default: throw Failure(reply)
        }
    }

    private func takeToken(_ link: HubLink) async throws -> DeliveryID? {
        let reply = try await link.ask(.receive(ReceiveCommand(channel: name, timeout: timeout, lease: lease)))
        guard case .message(_, _, let attributes) = reply else { throw Failure(reply) }
        return attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) }
    }

    /// Runs the command; its status, or 5 when the lock was lost meanwhile.
    private func hold(_ delivery: DeliveryID, _ keeper: LeaseKeeper, _ session: Session) async throws -> Int32 {
        let children = try Children(on: session.reactor)
        let gate = Gate("the command", on: session.reactor)
        let isLost = Mark()
        var status: Int32?
        // In our process group, so that it has the terminal: ctrl-C reaches it by itself then.
        let process = try children.start(command, ownGroup: false) {
            status = $0
            gate.open()
        }
        let hasTerminal = isatty(STDIN_FILENO) == 1
        session.interruption.interceptor = { number in
            if number != SIGINT || !hasTerminal { kill(process, number) }
        }
        keeper.hold(delivery) {
            isLost.isSet = true
            session.console.complain("the lock \(name) is lost, and the command is stopped")
            kill(process, SIGTERM)
        }
        while true {
            if let status { return isLost.isSet ? ExitStatus.inDoubt.rawValue : status }
            try await gate.wait()
        }
    }
}
