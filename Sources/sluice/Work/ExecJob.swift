import Glibc
import SluiceClient
import SluiceRuntime
import SluiceWire

/// Does what `recv --exec` does: runs a command for each message, acknowledges the message when the command succeeds, and
/// nacks it otherwise.
struct ExecJob: Sendable {
    let place: HubPlace
    let reconnects: Bool
    let demand: Intake.Demand
    let command: String
    /// How a message is retried after its command has failed.
    let failures: RetryPolicy
    /// How the command's output becomes the answer to its message. Nil sends no answer.
    let answering: Answering?

    enum Answering: Sendable {
        /// The message and the answer are lines: a line feed follows each, which is not part of it.
        case line
        /// The bytes of the message and of the output, unchanged.
        case exact
    }

    func run(in invocation: Invocation) async throws -> Ending {
        let client = try await invocation.connect(to: place, reconnecting: reconnects)
        let keeper = try LeaseKeeper(lease: demand.lease ?? Receive.defaultLease, of: client, in: invocation)
        let intake = Intake(demand, of: client) { message in
            if let delivery = message.delivery { keeper.hold(delivery) }
        }
        let crew = Crew(
            self, intake, keeper, invocation,
            maxAnswerBytes: client.greeting?.maxMessageBytes ?? Limits().maxBodyBytes)
        invocation.interruption.react { number in
            intake.stop()
            crew.signalAll(number)
        }
        while let delivery = await intake.nextBatch(atMost: 1)?.first?.delivery {
            // The commands whose messages were lost with a connection may still be running.
            try await crew.waitForPlace()
            // A message that was lost meanwhile comes again.
            guard keeper.isHeld(delivery) else {
                intake.release(delivery, counted: false)
                continue
            }
            guard invocation.interruption.signal == nil, client.loss == nil else {
                keeper.nack(delivery)
                continue
            }
            try crew.work(on: delivery)
        }
        try await crew.settle()
        try await keeper.settle()
        let status = demand.status(after: intake, in: invocation)
        guard status == .success else { return .status(status) }
        return .status(keeper.lost > 0 ? .inDoubt : crew.status)
    }
}

extension Intake {
    /// - Parameter counted: whether the command for the message has succeeded. If not, another message is requested.
    fileprivate func release(_ delivery: LeasedDelivery, counted: Bool) {
        release(1, bytes: delivery.message.bytes.count, counted: counted)
    }
}

/// The commands that are running. On the reactor's thread only.
private final class Crew: @unchecked Sendable {
    // Sendable: see above.

    private let job: ExecJob
    private let intake: Intake
    private let keeper: LeaseKeeper
    private let reactor: Reactor
    private let console: Console
    private let maxAnswerBytes: Int
    private let gate: Gate
    private var running: [ObjectIdentifier: Subprocess] = [:]
    private var hasRejected = false

    init(
        _ job: ExecJob, _ intake: Intake, _ keeper: LeaseKeeper, _ invocation: Invocation, maxAnswerBytes: Int
    ) {
        self.maxAnswerBytes = maxAnswerBytes
        self.job = job
        self.intake = intake
        self.keeper = keeper
        reactor = invocation.reactor
        console = invocation.console
        gate = Gate("the commands", on: reactor)
    }

    /// `.rejected` if `--count` was given and a message was rejected.
    var status: ExitStatus { job.demand.total != nil && hasRejected ? .rejected : .success }

    /// Waits until fewer commands are running than may run at a time.
    func waitForPlace() async throws {
        while running.count >= job.demand.window { try await gate.wait() }
    }

    /// Starts the command with a message.
    func work(on delivery: LeasedDelivery) throws {
        let isLine = job.answering == .line
        let file = try MessageFile(delivery.message.bytes + (isLine ? [0x0A] : []))
        let answer = job.answering == nil ? nil : try MessageFile([])
        let process = try Subprocess.start(
            ["/bin/sh", "-c", job.command],
            adding: [
                "SLUICE_CHANNEL": "\(job.demand.channel)", "SLUICE_ATTEMPT": "\(delivery.message.attempt)",
                // Set in any case, so that the command does not get the variable of this process.
                "SLUICE_FENCE": "\(delivery.fence)", "SLUICE_TRACE": delivery.trace.map { "\($0)" } ?? "",
            ],
            input: file, output: answer, leadsGroup: true, on: reactor)
        running[ObjectIdentifier(process)] = process
        keeper.hold(delivery) { [console] in
            // First: a complaint waits while standard error is full, and the command may be what fills it.
            process.signal(SIGTERM)
            console.complain("the lease of a message was lost: another receiver may get it, and its command is stopped")
        }
        reactor.spawn("the end of a command") { [self] in
            let status = try? await process.wait().shellStatus
            running[ObjectIdentifier(process)] = nil
            if let status {
                conclude(delivery, status, answer)
            } else {
                giveUp(delivery, because: "the status of the command is not known")
            }
            gate.open()
        }
    }

    private func conclude(_ delivery: LeasedDelivery, _ status: Int32, _ output: MessageFile?) {
        let answer: [UInt8]?
        do throws(Failure) {
            answer =
                if status == 0 {
                    try output?.contents(atMost: maxAnswerBytes, withoutLineFeed: job.answering == .line)
                } else { nil }
        } catch {
            return giveUp(delivery, because: error.message)
        }
        if status == 0 {
            keeper.acknowledge(delivery, answer: answer) { [console] error in
                guard error != nil else { return }
                console.complain("a command has succeeded, but its message may come again: its lease was lost")
            }
            intake.release(delivery, counted: true)
        } else {
            giveUp(delivery, because: "the command has ended with \(status)")
        }
    }

    /// Nacks a message whose command has failed, or rejects it after the last attempt of `--max-attempts`. It does not
    /// count as completed.
    private func giveUp(_ delivery: LeasedDelivery, because problem: String) {
        let attempt = delivery.message.attempt
        if let most = job.failures.maxAttempts, attempt >= most {
            console.complain("\(problem), and its message is rejected")
            if keeper.isHeld(delivery) { hasRejected = true }
            keeper.reject(delivery, reason: problem)
        } else {
            keeper.nack(delivery, delay: job.failures.delay(after: attempt)) { [self] isRejected in
                console.complain("\(problem), and its message \(isRejected ? "is rejected" : "goes back")")
                if isRejected { hasRejected = true }
            }
        }
        intake.release(delivery, counted: false)
    }

    /// Passes a signal on to every command, and to the processes that it has started.
    func signalAll(_ number: Int32) {
        for process in running.values { process.signal(number) }
    }

    func settle() async throws {
        while !running.isEmpty { try await gate.wait() }
    }
}
