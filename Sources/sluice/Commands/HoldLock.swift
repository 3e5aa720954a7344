import ArgumentParser
import Glibc
import SluiceRuntime
import SluiceWire

struct HoldLock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Run a command while nobody else holds the lock.",
        discussion: """
            The lock is a message of the channel NAME, held under a lease that is renewed while the command runs. It is \
            free again when the command ends, and at once when this program dies; when its machine is gone without a \
            sign, after --lease. Ends with the status of the command.
            """)

    @OptionGroup var hub: HubOptions

    @Option(
        help: ArgumentHelp("How long to wait for the lock; 0 tries once.", valueName: "D"),
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

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        let keeper = try LeaseKeeper(lease: lease, on: link)
        let delivery = try await takeToken(link)
        let status = try await hold(delivery, keeper, session)
        keeper.giveBack(delivery)
        // Withdraws our share in the token.
        link.finish()
        try await link.settle()
        return .code(status)
    }

    /// Waits for the token.
    ///
    /// Everybody who wants the lock sends it, under the same id, and so it is one message: it is there as long as somebody
    /// has a share in it, and nobody ever acknowledges it. A token that is kept in a buffer would have to be put there by
    /// exactly one, of whom nobody could be sure.
    private func takeToken(_ link: HubLink) async throws -> DeliveryID {
        let identity = MessageID("sluice-lock").map { SendIdentity($0) }
        let gate = Gate("the lock \(name)", on: link.reactor)
        var outcome: Result<DeliveryID, Failure>?
        link.request(.send(SendCommand(channel: name, body: Array("lock".utf8), identity: identity))) { [name] answer in
            guard outcome == nil else { return }
            if case .reply(.ok) = answer {
                outcome = .failure(Failure("\(name) is no lock: others use it as a channel"))
            }
            if case .reply(let reply) = answer, outcome == nil { outcome = .failure(Failure(reply)) }
            gate.open()
        }
        link.request(.receive(ReceiveCommand(channel: name, timeout: timeout, lease: lease))) { answer in
            guard outcome == nil else { return }
            outcome = Self.token(in: answer)
            gate.open()
        }
        while true {
            if let outcome { return try outcome.get() }
            try await gate.wait()
        }
    }

    private static func token(in answer: HubLink.Answer) -> Result<DeliveryID, Failure> {
        switch answer {
        case .reply(.message(_, _, let attributes)):
            let delivery = attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) }
            return delivery.map { .success($0) } ?? .failure(Failure("the hub has given no lease"))
        case .reply(let reply): return .failure(Failure(reply))
        case .lost(let failure): return .failure(failure)
        }
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
