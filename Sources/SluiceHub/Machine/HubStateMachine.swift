import SluiceRuntime
import SluiceWire

/// Decides what happens on the named channels: who meets whom, who waits, and who is told what.
///
/// Pure and synchronous: the clock is passed in, chance is injected, and what is to be told to others is appended to
/// `effects`, in the order in which it was decided; the caller performs them after it has let go of the lock. The same
/// calls with the same generator give the same effects.
///
/// Invariants: an operation is parked in the queues of all its arms or in none, so whoever finds it there may have it;
/// a channel is in the table while somebody has to do with it; an operation is in its connection's list while it is
/// parked, a lease in its holder's while it lasts. Every call costs the logarithm of the parked operations at most, or
/// the number of operations that it ends; only the reports look at everything.
struct HubStateMachine: ~Copyable {
    private(set) var limits: HubLimits
    /// Tells this life of the server from others.
    let epoch: Int
    /// The time of the current call, in nanoseconds of a clock that only grows; whoever calls sets it first.
    var now: UInt64 = 0
    /// What the operations of clients have come to.
    var outbox = Outbox()

    /// Stands for the client of an operation whose connection is not known.
    let nobody = ClientRecord(address: "-", since: 0)
    /// Where the last message went; nil unless the next one may go the same way.
    var hint: SendHint?

    var channels: ChannelTable
    var barriers: [ChannelName: Barrier] = [:]
    var operations = Slab<ParkedOperation>()
    /// Objects of operations that have ended, for reuse.
    var spareOperations: [ParkedOperation] = []
    var leases = Slab<Lease>()
    var clients = Slab<ClientRecord>()
    var deadlines = IndexedHeap<Deadline>()
    var memory: SendMemory
    var tracers: [OperationID] = []
    /// The channels that are to go on once a client has been withdrawn from everything; nil while none is.
    var heldUp: [NamedChannel]?
    /// How far it is with its life.
    var stage = HubStage.serving
    /// How many connections each principal has.
    var principals: [ChannelName: Int] = [:]
    var generator: any RandomNumberGenerator & Sendable
    /// The number of offers that there were: the position of the last one.
    var lastPosition: UInt64 = 0
    /// What has been taken, and what is kept.
    var totals = HubTotals()
    /// A parked operation takes some 500 bytes.
    var parkedEbb = Ebb(ofMoreThan: 4096)
    /// A connection takes some kilobytes, with what the reactor knows of it.
    var connectionEbb = Ebb(ofMoreThan: 512)

    /// - Parameters:
    ///   - epoch: a number that no other life of the server has had.
    ///   - generator: makes the choice of selects that want it made at random.
    init(
        limits: HubLimits = HubLimits(), epoch: Int = 0,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.limits = limits
        self.epoch = epoch
        self.generator = generator
        channels = ChannelTable(tombstoneLife: limits.tombstoneLife, maxTombstones: limits.maxTombstones)
        memory = SendMemory(life: limits.sendMemoryLife, maxCount: limits.maxRememberedSends)
    }

    /// The number of connections.
    var connectionCount: Int { clients.count }
    /// The number of parked operations.
    var parkedCount: Int { operations.count }
    /// Whether it is time to give memory back. True once for each time.
    mutating func ebbs() -> Bool {
        let parkedEbbs = parkedEbb.falls(to: operations.count)
        return connectionEbb.falls(to: clients.count) || parkedEbbs
    }

    /// When `expire` should be called next, in nanoseconds of the clock.
    var nextDeadline: UInt64? {
        // Asked for after each transaction: without an array, and without optionals to compare.
        let next = min(deadlines.leastPriority ?? .max, memory.nextEnd ?? .max, channels.nextEnd ?? .max)
        return next == .max ? nil : next
    }

    /// Goes by other limits from now on, as far as they may change while the hub serves; see `HubLimits.adopting`. What is
    /// there already stays.
    mutating func adopt(_ limits: HubLimits) {
        self.limits = self.limits.adopting(limits)
        channels.keepTombstones(for: limits.tombstoneLife, maxCount: limits.maxTombstones)
        memory.keepDelivered(for: limits.sendMemoryLife, maxCount: limits.maxRememberedSends)
        channels.prune(at: now)
        memory.prune(at: now)
    }

    // MARK: Connections

    mutating func connect(from address: String) -> ConnectionID {
        defer { connectionEbb.rise(to: clients.count) }
        return clients.insert(ClientRecord(address: address, since: now))
    }

    /// Forgets the connection, whose conversation is over.
    mutating func disconnect(_ connection: ConnectionID, isOrderly: Bool) {
        conclude(connection, isOrderly: isOrderly)
        if let client = clients.remove(connection) { forgetPrincipal(of: client) }
    }

    /// Nothing more will come from the client: withdraws everything that it has parked, without replies, gives its leases
    /// back, and has it leave the ends that it counts as.
    ///
    /// - Parameter isOrderly: whether the client has said that it goes.
    mutating func conclude(_ connection: ConnectionID, isOrderly: Bool) {
        withdrawAll(of: connection, nil)
        giveBackAll(of: connection)
        while let end = clients[connection]?.ends.last {
            clients[connection]?.ends.removeLast()
            leave(end, connection, because: isOrderly ? .retire : end.onDeath)
        }
    }

    /// Withdraws everything that the connection has parked; each is told that it did not happen, or may have.
    ///
    /// The withdrawal of one has nothing told to another one of the same client, which nobody would read.
    mutating func withdrawAll(of connection: ConnectionID, _ reason: Withdrawal?) {
        withholding { machine in
            while let id = machine.clients[connection]?.firstOperation { machine.withdraw(id, reason) }
        }
    }

    /// Lets channels go on from which `withdrawals` takes something only once all of these are made.
    mutating func withholding(_ withdrawals: (inout HubStateMachine) -> Void) {
        heldUp = []
        withdrawals(&self)
        let channels = heldUp ?? []
        heldUp = nil
        for channel in channels {
            // Whoever a broadcast still waited for may have gone.
            finishIfComplete(channel)
            goOn(with: channel)
        }
    }

    /// Withdraws what the connection has parked without `eof=wait`; nothing more of that kind parks from now on.
    mutating func endInput(of connection: ConnectionID) {
        guard clients.holds(connection) else { return }
        clients[connection]?.hasInputEnded = true
        var affected: [OperationID] = []
        var next = clients[connection]?.firstOperation
        while let id = next, let operation = operations[id] {
            next = operation.next
            if !operation.waitsAfterEOF { affected.append(id) }
        }
        // The end of one may be the end of another one.
        for id in affected { withdraw(id, .endOfInput) }
    }

    // MARK: Operations

    /// Performs a command that concerns other clients, or parks it.
    mutating func apply(_ command: Command, by caller: Caller) -> Outcome {
        if stage != .serving, command.beginsWork { return .done(.error(.draining)) }
        if case .send(let command) = command { return send(command, caller) }
        hint = nil
        return switch command {
        case .send(let command): send(command, caller)
        case .receive(let command): receive(command, caller)
        case .select(let command): select(command, caller)
        case .barrier(let command): barrier(command, caller)
        case .acknowledge(let delivery): .done(acknowledge(delivery, by: caller.connection))
        case .nack(let command): .done(nack(command, by: caller.connection))
        case .touch(let delivery): .done(touch(delivery, by: caller.connection))
        case .open(let command): .done(open(command))
        case .close(let name): .done(close(name))
        case .poison(let name, let reason): .done(poison(name, reason))
        case .join(let command): .done(join(command, caller.connection))
        case .leave(let end): .done(leave(end, caller.connection))
        case .name(let label): .done(name(caller.connection, label))
        case .trace(let command): trace(command, caller)
        case .hello, .authenticate, .ping, .inspect, .cancel, .help, .quit:
            preconditionFailure("a command of the session, which the hub has nothing to do with")
        }
    }

    /// Performs a send as `apply` does.
    mutating func apply(_ command: SendCommand, by caller: Caller) -> Outcome {
        stage == .serving ? send(command, caller) : .done(.error(.draining))
    }

    /// Performs a receive as `apply` does.
    mutating func apply(_ command: ReceiveCommand, by caller: Caller) -> Outcome {
        hint = nil
        return stage == .serving ? receive(command, caller) : .done(.error(.draining))
    }

    /// Returns the channel that a client sends to or receives from, and notes that.
    mutating func channel(_ name: ChannelName, _ use: NameUse, _ connection: ConnectionID) -> NamedChannel {
        guard let client = clients[connection] else { return channels.channel(name) }
        client.usage.note(use, of: name)
        return channels.channel(name, at: &client.channelSlot)
    }

    /// Withdraws a parked operation: `CANCELLED` is its reply, or `MAYBE`, unless it is complete already.
    mutating func cancel(_ id: OperationID) {
        hint = nil
        withdraw(id, .cancelled)
    }

    /// Does what is due: ends the operations and leases whose time has run out, and forgets what is old.
    mutating func expire() {
        while let deadline = deadlines.popFirst(upTo: now) {
            switch deadline {
            case .operation(let id): withdraw(id, .timeout)
            case .lease(let id): giveBack(id, after: nil)
            case .delay(let channel, let offer):
                wake(offer, on: channel)
                putBack(offer, on: channel)
                settleEnding(of: channel)
            }
        }
        memory.prune(at: now)
        channels.prune(at: now)
    }

    private mutating func name(_ connection: ConnectionID, _ label: ChannelName) -> Reply {
        clients[connection]?.label = label
        return .ok(Attributes())
    }
}

/// What a hub has done, and what it keeps.
struct HubTotals: Sendable {
    /// The number of messages that receivers have taken for good.
    var handoffs = 0
    /// The number of messages in buffers, those included that were handed out and not acknowledged.
    var keptMessages = 0
    /// Their bytes.
    var keptBytes = 0
}

/// Why an operation is withdrawn.
enum Withdrawal: String, Sendable {
    case timeout
    case cancelled
    /// The client has finished sending, so nobody may be there to read the outcome.
    case endOfInput = "eof"
    /// The conversation has ended with an error.
    case closing
    /// The hub is about to stop.
    case draining

    /// What is told of an operation that provably did not happen.
    var reply: Reply {
        switch self {
        case .timeout: .timeout
        case .cancelled: .cancelled(nil)
        case .endOfInput, .closing, .draining: .cancelled(rawValue)
        }
    }

    /// What is told of one that may have.
    var doubt: Reply { .maybe(rawValue) }
}
