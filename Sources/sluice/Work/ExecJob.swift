import Glibc
import SluiceRuntime
import SluiceWire

/// What `recv --exec` does: a command for each message, which is acknowledged when the command has ended well, and goes
/// back otherwise.
struct ExecJob: Sendable {
    let place: HubPlace
    let demand: Intake.Demand
    let command: String
    /// How long nobody gets a message whose command has failed.
    let retryDelay: Duration

    func run(in session: Session) async throws -> Ending {
        let link = try await HubLink.open(place, in: session)
        let keeper = try LeaseKeeper(lease: demand.lease ?? .seconds(30), on: link)
        let crew = Crew(self, keeper, try Children(on: session.reactor), session)
        let intake = Intake(demand, from: link)
        session.interruption.react { number in
            intake.stop()
            crew.signalAll(number)
        }
        while let batch = try await intake.next(atMost: 1) {
            for message in batch {
                guard session.interruption.signal == nil, link.loss == nil else {
                    if let delivery = message.delivery { keeper.giveBack(delivery) }
                    continue
                }
                try crew.work(on: message) { intake.release(1, bytes: message.body.count) }
            }
        }
        try await crew.settle()
        try await link.settle()
        let status = demand.status(after: intake, in: session)
        return .status(status == .success && keeper.lost > 0 ? .inDoubt : status == .success ? crew.status : status)
    }
}

/// The commands that run. On the reactor's thread only.
private final class Crew {
    private let job: ExecJob
    private let keeper: LeaseKeeper
    private let children: Children
    private let console: Console
    private let gate: Gate
    private var running: Set<pid_t> = []
    private var hasFailed = false

    init(_ job: ExecJob, _ keeper: LeaseKeeper, _ children: Children, _ session: Session) {
        self.job = job
        self.keeper = keeper
        self.children = children
        console = session.console
        gate = Gate("the commands", on: session.reactor)
    }

    /// Whether all went well, of a number of messages that was asked for.
    var status: ExitStatus { job.demand.total != nil && hasFailed ? .error : .success }

    /// Starts the command with a message.
    ///
    /// - Parameter ended: called when the message was acknowledged, or has gone back.
    func work(on message: Delivery, ended: @escaping () -> Void) throws {
        guard let delivery = message.delivery else { return ended() }
        let file = try MessageFile(message.body)
        var process: pid_t = 0
        process = try children.start(
            ["/bin/sh", "-c", job.command],
            environment: ["SLUICE_CHANNEL=\(job.demand.channel)", "SLUICE_ATTEMPT=\(message.attempt ?? 1)"],
            input: file, ownGroup: true
        ) { [self] status in
            running.remove(process)
            conclude(delivery, status)
            ended()
            gate.open()
        }
        running.insert(process)
        keeper.hold(delivery) { [self, process] in
            console.complain("a message was not held long enough: another one may get it, and its command is stopped")
            kill(-process, SIGTERM)
        }
    }

    private func conclude(_ delivery: DeliveryID, _ status: Int32) {
        if status == 0 {
            keeper.acknowledge(delivery) { [console] answer in
                if case .reply(.ok) = answer { return }
                console.complain("a command has ended well, and its message may come again: its lease was lost")
            }
        } else {
            hasFailed = true
            console.complain("the command has ended with \(status), and its message goes back")
            keeper.giveBack(delivery, after: job.retryDelay)
        }
    }

    /// Passes a signal on to every command, and what each has started.
    func signalAll(_ number: Int32) {
        for process in running { kill(-process, number) }
    }

    func settle() async throws {
        while !running.isEmpty { try await gate.wait() }
    }
}
