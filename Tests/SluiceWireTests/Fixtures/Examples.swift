import SluiceWire
import Testing

/// Commands of every verb, with and without each of their options.
enum Examples {
    static func all() throws -> [Command] {
        try conversation() + sends() + receives() + selects() + attempts() + channels() + reports()
    }

    /// Whether the command needs a tag.
    static func needsTag(_ command: Command) -> Bool {
        switch command {
        case .receive(let receive): receive.count != nil
        default: command.verb == .trace
        }
    }

    private static func conversation() throws -> [Command] {
        let alice = try channel("alice")
        let tokens = [Body("s3cret"), Body("a=b\r"), [0, 0xFF, 0x0D, 0x09, 0x0D], Body("#\r\r")]
        return [
            .hello(), .hello(understanding: []), .hello(understanding: [.receivers, .call]), .ping([]),
            .ping(Body("hi")), .ping(Body("\nQUIT\r\n")), .quit, .help(nil), .cancel(try tag("a.1")),
            .name(alice), .name(alice, waitsForAll: true), .kill(KillCommand(.principal(alice))),
            .kill(KillCommand(.client("[::1]:9"), reason: "too many jobs")),
        ] + tokens.map { .authenticate(Credentials(alice, token: $0)) } + Verb.allCases.map { .help($0) }
    }

    private static func sends() throws -> [Command] {
        let jobs = try channel("jobs")
        let id = try message("a.1:/-")
        let body = Body("len=5 jobs\nQUIT\r")
        let full = SendCommand(
            channel: jobs, body: body, timeout: .seconds(5), identity: SendIdentity(id, epoch: .max), until: .taken,
            minimumReceivers: 3, trace: TraceContext(String(repeating: "~", count: 128)), waitsAfterEOF: true)
        let call = SendCommand(
            channel: jobs, body: body, timeout: .seconds(5), identity: SendIdentity(id, epoch: 7),
            trace: TraceContext("x"), wantsAnswer: true,
            waitsAfterEOF: true)
        let sends = [
            SendCommand(channel: jobs, body: []), SendCommand(channel: jobs, body: body, waitsAfterEOF: true),
            SendCommand(channel: jobs, body: Body(0...255), timeout: .zero),
            SendCommand(channel: jobs, body: body, identity: SendIdentity(id)),
            SendCommand(channel: jobs, body: body, identity: SendIdentity(id, epoch: 0)),
            SendCommand(channel: jobs, body: body, until: .accepted),
            SendCommand(channel: jobs, body: body, minimumReceivers: 0), full, call,
            SendCommand(channel: jobs, body: [], wantsAnswer: true),
        ]
        return sends.map(Command.send)
    }

    private static func receives() throws -> [Command] {
        let jobs = try channel("jobs")
        let full = ReceiveCommand(
            channel: jobs, timeout: .milliseconds(1), lease: .milliseconds(1), count: .exactly(.max), window: 1024,
            waitsAfterEOF: true)
        let receives = [
            ReceiveCommand(channel: jobs),
            ReceiveCommand(channel: jobs, timeout: .milliseconds(1), waitsAfterEOF: true),
            ReceiveCommand(channel: jobs, timeout: .zero), ReceiveCommand(channel: jobs, lease: Limits.maxDuration),
            ReceiveCommand(channel: jobs, count: .exactly(1)), ReceiveCommand(channel: jobs, count: .endless),
            ReceiveCommand(channel: jobs, lease: .seconds(1), count: .endless, window: 1), full,
        ]
        return receives.map(Command.receive)
    }

    private static func selects() throws -> [Command] {
        let jobs = try channel("jobs")
        let arms: [Arm] = [
            .receive(jobs), .send(jobs, Body("a | b\nQUIT\n")), .send(jobs, []), .receive(try channel("a/b")),
            .send(jobs, Body("\r"), id: try message("m"), trace: TraceContext("a|b=c")),
            .receive(jobs, lease: .milliseconds(5)), .barrier(jobs),
            .barrier(jobs, parties: 3),
        ]
        return [
            .select(SelectCommand(arms: arms)), .select(SelectCommand(arms: arms, hasElse: true, order: .first)),
            .select(SelectCommand(arms: arms, order: .random, timeout: .seconds(3600), waitsAfterEOF: true)),
        ] + arms.map { .select(SelectCommand(arms: [$0])) }
    }

    private static func attempts() -> [Command] {
        let deliveries = [
            DeliveryID(serial: 0, slot: 0), DeliveryID(serial: 12, slot: 345), DeliveryID(serial: .max, slot: .max),
        ]
        return deliveries.flatMap { delivery -> [Command] in
            [
                .acknowledge(AcknowledgeCommand(delivery)), .touch(delivery), .nack(NackCommand(delivery)),
                .acknowledge(AcknowledgeCommand(delivery, answer: .owned([]))),
                .acknowledge(AcknowledgeCommand(delivery, repliesOnlyToFailure: true)),
                .acknowledge(
                    AcknowledgeCommand(delivery, answer: .owned(Body("len=5\nQUIT\r")), repliesOnlyToFailure: true)),
                .reject(RejectCommand(delivery)), .reject(RejectCommand(delivery, reason: " len=5 | ünï ")),
                .nack(NackCommand(delivery, delay: .zero)), .nack(NackCommand(delivery, delay: .seconds(5))),
            ]
        }
    }

    private static func channels() throws -> [Command] {
        let jobs = try channel("jobs")
        let queues = [0, 1, 65_536].flatMap { capacity in
            Overflow.allCases.map { ChannelDeclaration.queue(capacity: capacity, overflow: $0) }
        }
        let declarations = queues + [.broadcast, .once]
        let ends = ChannelEnd.Side.allCases.map { ChannelEnd($0, of: jobs) }
        let policies = [nil] + DeathPolicy.allCases.map(Optional.some)
        let joins = ends.flatMap { end in policies.map { Command.join(JoinCommand(end, onDeath: $0)) } }
        let barriers = [
            BarrierCommand(jobs, parties: 1), BarrierCommand(jobs, parties: .max, timeout: .zero),
            BarrierCommand(jobs, parties: 2, timeout: .seconds(1), waitsAfterEOF: true),
        ]
        let dead = try channel("jobs/dead")
        let failures = [
            FailurePolicy(maxAttempts: 1), FailurePolicy(deadChannel: dead), FailurePolicy(retryDelay: .zero),
            FailurePolicy(maxAttempts: 9, deadChannel: dead, retryDelay: .seconds(30)),
        ]
        return declarations.map { .open(OpenCommand(jobs, $0)) }
            + failures.map { .open(OpenCommand(jobs, .queue(capacity: 5), $0)) }
            + [.redrive(RedriveCommand(dead)), .redrive(RedriveCommand(dead, count: 7))] + joins
            + ends.map(Command.leave)
            + barriers.map(Command.barrier) + [
                .close(jobs), .poison(jobs, nil), .poison(jobs, "it broke"), .poison(jobs, " len=5 | ünï "),
            ]
    }

    private static func reports() throws -> [Command] {
        let name = try channel("a/b")
        let subjects: [Inspection.Subject] = [
            .server, .channels(prefix: nil), .channels(prefix: name), .waiters(channel: nil), .waiters(channel: name),
            .clients, .stuck,
        ]
        return ReportFormat.allCases.flatMap { format -> [Command] in
            subjects.map { .inspect(Inspection($0, format: format)) } + [
                .trace(TraceCommand(format: format)), .trace(TraceCommand(prefix: name, format: format)),
            ]
        }
    }
}
