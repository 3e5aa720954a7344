import ArgumentParser
import Glibc
import SluiceClient
import SluiceRuntime
import SluiceWire
import Synchronization

struct HoldLock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Run a command while holding a lock.",
        discussion: """
            The lock is a message of the channel NAME, held under a lease that is renewed while the command runs. It is \
            free again when the command ends, at once when this program dies, and after --lease when its machine vanishes \
            without a sign. While it waits for the lock, it outlives lost connections and restarts of the hub; a lock that is \
            held is lost with the connection. The exit status is that of the command; 5 when the lock was lost.

            The command gets SLUICE_FENCE, a number that is greater than that of every earlier holder of the lock. A resource \
            that refuses a smaller number than it has seen is safe from a holder that has lost the lock and does not know it.
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var reconnect: ReconnectOptions

    @Option(
        help: ArgumentHelp("How long to wait for the lock; 0 tries once.", valueName: "D"),
        transform: Spelled.duration)
    var timeout: Duration?

    @Option(
        help: ArgumentHelp(
            "After how long the lock is free when this machine vanishes without a sign.", valueName: "D"),
        transform: Spelled.positiveDuration)
    var lease = Duration.seconds(10)

    @Argument(help: "The lock: the name of a channel with no other use.", transform: Spelled.name)
    var name: ChannelName

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command to run.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("the command is missing: sluice lock NAME -- COMMAND") }
    }

    func run() throws {
        let job = LockJob(
            place: try hub.place(), reconnects: !reconnect.noReconnect, name: name, timeout: timeout, lease: lease,
            command: command)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }
}

/// Does what `lock` does.
struct LockJob: Sendable {
    let place: HubPlace
    let reconnects: Bool
    let name: ChannelName
    let timeout: Duration?
    let lease: Duration
    let command: [String]

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place, reconnecting: reconnects)
        let keeper = try LeaseKeeper(lease: lease, of: client, in: invocation)
        let token = try await takeToken(client, in: invocation)
        let status = try await hold(token, keeper, invocation)
        keeper.nack(token)
        // Withdraws this process's own offer of the token.
        await client.close()
        return .code(status)
    }

    /// Waits for the token.
    ///
    /// Every process that wants the lock sends the token under the same id, so that it is a single message. The token exists
    /// as long as one of them offers it, and none ever acknowledges it. In a buffer, exactly one process would have to put
    /// the token there, and none could know whether that has been done.
    private func takeToken(_ client: Client, in invocation: Invocation) async throws -> LeasedDelivery {
        let intake = Intake(
            Intake.Demand(
                channel: name, lease: lease, timeout: timeout, total: 1, window: 1, windowBytes: nil), of: client)
        let refusal = Lock<Failure?>(nil)
        offerToken(client, in: invocation) { failure in
            refusal.withLock { $0 = failure }
            intake.stop()
        }
        let token = await intake.nextBatch()?.first?.delivery
        if let failure = refusal.withLock({ $0 }) { throw failure }
        if let token { return token }
        throw intake.ending.map { Failure($0) } ?? Failure("the hub has given no lease")
    }

    /// Sends the token, again and again if the hub is lost.
    private func offerToken(
        _ client: Client, in invocation: Invocation, _ onFailure: @escaping @Sendable (Failure) -> Void
    ) {
        let identity = MessageID("sluice-lock").map { SendIdentity($0) }
        let reactor = invocation.reactor
        client.submit(.send(SendCommand(channel: name, body: Array("lock".utf8), identity: identity))) {
            // A client is closed when nothing refers to it any more.
            [weak client] event in
            guard case .ended(let outcome) = event, let client else { return }
            switch outcome {
            case .reply(.ok, _): onFailure(Failure("\(name) is not a lock: it is in use as a channel"))
            case _ where outcome.isLossOfHub && reconnects && client.loss == nil:
                // The id keeps the token a single message, also when the hub has it from an earlier attempt.
                _ = reactor.call(after: Self.offerDelay) { [weak client] in
                    if let client { offerToken(client, in: invocation, onFailure) }
                }
            case .reply, .failed: onFailure(Failure(outcome))
            }
        }
    }

    /// A hub that is about to stop refuses the token until it closes the connection.
    private static let offerDelay = Duration.milliseconds(100)

    /// Runs the command. Returns its status, or 5 when the lock was lost meanwhile.
    private func hold(_ token: LeasedDelivery, _ keeper: LeaseKeeper, _ invocation: Invocation) async throws -> Int32 {
        let isLost = Mark()
        // In the process group of this process, so that it has the terminal: ctrl-C then reaches it directly.
        let process = try Subprocess.start(
            command, adding: ["SLUICE_FENCE": "\(token.fence)"], on: invocation.reactor)
        let hasTerminal = isatty(STDIN_FILENO) == 1
        invocation.interruption.interceptor = { number in
            if number != SIGINT || !hasTerminal { process.signal(number) }
        }
        keeper.hold(token) {
            isLost.isSet = true
            // First: a complaint waits while standard error is full, and another process may hold the lock by now.
            process.signal(SIGTERM)
            invocation.console.complain("the lock \(name) is lost, and the command is stopped")
        }
        let status = try await process.wait().shellStatus
        return isLost.isSet ? ExitStatus.inDoubt.rawValue : status
    }
}
