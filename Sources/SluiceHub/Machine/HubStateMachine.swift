import DequeModule
import SluiceRuntime
import SluiceWire

/// Decides which operations on the named channels match, which ones park, and how each is answered.
///
/// Pure and synchronous: the caller passes the clock and injects randomness. Decisions are appended to `outbox` in the
/// order in which they are made, and the caller delivers them after it has released the lock. The same calls with the
/// same generator produce the same output.
///
/// Invariants: an operation is parked in the queues of all its arms or in none, so any match that finds it there may
/// take it. A channel is in the table while it is in use or declared. An operation is in its connection's list while it
/// is parked, and a lease is in its holder's list while it lasts. Every call costs at most the logarithm of the number
/// of parked operations, or is linear in the number of operations that it ends. Only reports visit everything.
struct HubStateMachine: ~Copyable {
    private(set) var limits: HubLimits
    /// Identifies this run of the server.
    let epoch: Int
    /// The epochs of earlier runs whose ids this run remembers, the latest first.
    var earlierEpochs: [Int] = []
    /// The time of the current call, in nanoseconds of a monotonic clock. The caller sets it before each call.
    var now: UInt64 = 0
    /// The replies to the operations of clients.
    var outbox = Outbox()

    /// The memory that clients make the hub keep.
    let account: Account
    /// The record that stands for a client whose connection is unknown.
    let unknownClient: ClientRecord
    /// The receive that took the last message. Nil unless the next message may go there directly.
    var hint: SendHint?

    var channels: ChannelTable
    var barriers = ShardedDictionary<ChannelName, Barrier>()
    var operations = Slab<ParkedOperation>()
    /// The parked operations and the clients by age, for reports.
    let operationOrder = AgeOrder<ParkedOperation>()
    let clientOrder = AgeOrder<ClientRecord>()
    /// The objects of ended operations, for reuse.
    var spareOperations: [ParkedOperation] = []
    var leases = Slab<Lease>()
    var clients = Slab<ClientRecord>()
    var deadlines = IndexedHeap<Deadline>()
    var memory: SendMemory
    var tracers: [OperationID] = []
    /// The channels that continue after the current group of withdrawals. Nil outside of such a group.
    var deferredChannels: [NamedChannel]?
    /// The stage of the hub's life.
    var stage = HubStage.serving
    /// The principals that may use the hub. Nil permits everything to every client.
    var principals: Principals?
    /// What the connections of each principal may do. Only principals with connections have one.
    var grants: [ChannelName: Grant] = [:]
    /// What connections without a principal may do, and those of this process.
    let anonymous = Grant()
    let everything = Grant()
    /// The number of times that the permissions have changed.
    var permissionChanges = 0
    var generator: any RandomNumberGenerator & Sendable
    /// The number of offers made so far, which is the position of the last one.
    var lastPosition: UInt64 = 0
    /// The fence of the last lease. The first one of a run is greater than all fences of earlier runs, whose epochs are
    /// smaller; see `Fence`.
    var lastFence: Int64
    /// Changes whenever a client joins or leaves an end of a channel, or changes what `NAME waits=` says.
    var endsVersion: UInt64 = 0
    /// The steps of work that commands have taken so far; see `Budget`.
    var steps = 0
    /// The number of steps after which the current slice of work ends.
    var sliceEnd = Int.max { didSet { stepsToCheck = min(sliceEnd, stepsAtNextLook) } }
    /// The number of steps at which the machine next looks at the clock.
    var stepsAtNextLook = 0 { didSet { stepsToCheck = min(sliceEnd, stepsAtNextLook) } }
    /// The lesser of both, so that one comparison is enough.
    private(set) var stepsToCheck = 0
    /// Whether the time of the current slice is over.
    var isSliceOver = false
    /// The clock that shows how long the current call takes. Nil for a machine whose calls take no time.
    var clock: Reactor?
    /// The work that decisions have left.
    var unfinished = FairQueue<any UnfinishedWork, HolderID?>()
    /// The number of pieces of work in `unfinished` with `tellsDecisions`.
    var unfinishedDecisions = 0
    /// The number of pieces of work that end the operations of a client; see `ClientRecord.departure`.
    var departures = 0
    /// The client or holder to which work that is postponed now belongs.
    var cause = Cause.none
    /// The number of pieces of work that are being done now, and are not in `unfinished` meanwhile.
    var worksInProgress = 0
    /// The number of times that the parties of a barrier have been checked before a command.
    var verifications: UInt64 = 0
    /// The rejected messages that wait for a dead channel and are still to be reported. `HubState.conclude` reports
    /// them after each transaction, so that they do not become many.
    var unreportedHolds: [HeldRejection] = []
    /// The counts of handoffs and of kept messages.
    var totals = HubTotals()
    /// Whether most clients or parked operations have gone, so that free memory is to be returned to the system.
    var hasEbbed = false
    /// A parked operation takes about 500 bytes.
    var parkedEbb = Ebb(ofMoreThan: 4096)
    /// The bytes of memory that clients use. Returning so much to the system takes about 2 ms, and a gigabyte at once 80.
    var memoryFall = Fall(by: 32 << 20)
    /// A connection takes a few kilobytes, including its state in the reactor.
    var connectionEbb = Ebb(ofMoreThan: 512)

    /// - Parameters:
    ///   - epoch: a number that no other run of the server uses.
    ///   - generator: makes the choices of selects with `order=random`.
    init(
        limits: HubLimits = HubLimits(), epoch: Int = 0,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.limits = limits
        self.epoch = epoch
        lastFence = Fence.base(of: epoch)
        self.generator = generator
        account = Account(limits.memoryBounds)
        unknownClient = ClientRecord(
            address: "-", since: 0, holder: account.holder(.local), grant: everything)
        channels = ChannelTable(tombstoneLife: limits.tombstoneLife, maxTombstones: limits.maxTombstones)
        memory = SendMemory(life: limits.sendMemoryLife, maxCount: limits.maxRememberedSends)
    }

    deinit {
        // A channel refers to the client that has declared it, and a client to the channels that it has joined.
        clients.forEach { $1.ends = [] }
    }

    /// The number of connections.
    var connectionCount: Int { clients.count }
    /// The number of parked operations.
    var parkedCount: Int { operations.count }

    /// The time at which `expire` should be called next, in nanoseconds of the clock; `UInt64.max` for never.
    @inline(__always)
    var nextDeadline: UInt64 {
        // Read after each transaction, so it avoids an array, and comparing optionals.
        min(deadlines.leastPriority ?? .max, memory.nextEnd ?? .max, channels.nextEnd ?? .max)
    }

    /// Adopts those of the limits that may change while the hub serves; see `HubLimits.adopting`. Whatever exists
    /// already stays, even beyond a new limit.
    mutating func adopt(_ limits: HubLimits) {
        self.limits = self.limits.adopting(limits)
        account.adopt(self.limits.memoryBounds)
        channels.keepTombstones(for: limits.tombstoneLife, maxCount: limits.maxTombstones)
        memory.keepDelivered(for: limits.sendMemoryLife, maxCount: limits.maxRememberedSends)
        // More entries than permitted have no deadline.
        perform(Pruning())
    }

    // MARK: Connections

    /// - Parameter origin: the address or user that the connection counts for. Nil for a connection of this process.
    mutating func connect(from address: String, origin: ClientOrigin? = nil) -> ConnectionID {
        defer { connectionEbb.rise(to: clients.count) }
        let client = ClientRecord(
            address: address, since: now, holder: account.holder(HolderName(origin)),
            grant: origin == nil ? everything : anonymous)
        client.beginConnection()
        let id = clients.insert(client)
        clientOrder.note(client, id)
        return id
    }

    /// Removes a connection that has nothing left in the hub.
    mutating func forget(_ connection: ConnectionID) {
        guard let client = clients.remove(connection) else { return }
        clientOrder.forget(client, connection)
        if connectionEbb.falls(to: clients.count) { hasEbbed = true }
        forgetPrincipal(of: client)
        client.endConnection()
        // An object that is kept for reuse must not keep the record.
        spareOperations.removeAll { $0.client === client }
    }

    /// Withdraws the parked operations of the connection without `eof=wait`. From now on, none of that kind parks.
    ///
    /// - Parameter count: the most operations to withdraw. Long messages count as further operations.
    /// - Returns: whether all are withdrawn.
    @discardableResult
    mutating func endInput(of connection: ConnectionID, atMost count: Int = .max) -> Bool {
        guard let client = clients[connection] else { return true }
        client.hasInputEnded = true
        cause = .client(connection)
        var found: [OperationID] = []
        var left = count
        var next = client.firstOperation
        while left > 0, let id = next, let operation = operations[id] {
            next = operation.next
            guard !operation.waitsAfterEOF, !operation.wait.isWithdrawnSelect else { continue }
            found.append(id)
            // To free 32 KiB of a message takes as long as another operation.
            left -= 1 + Int(operation.bodyBytes >> 15)
        }
        // Ending one operation may already have ended another.
        withdraw(found, .endOfInput)
        return next == nil
    }

    // MARK: Operations

    /// Performs a command that involves other clients, or parks it.
    mutating func apply(_ command: Command, by caller: Caller) -> Outcome {
        if stage != .serving, command.beginsWork { return .done(.error(.draining)) }
        if case .send(let command) = command { return send(command, caller) }
        hint = nil
        if let refusal = refusal(of: command, to: client(of: caller)) { return .done(.error(refusal)) }
        return switch command {
        case .send(let command): send(command, caller)
        case .receive(let command): receive(command, caller)
        case .select(let command): select(command, caller)
        case .barrier(let command): barrier(command, caller)
        case .acknowledge(let command): acknowledge(command, by: caller.connection)
        case .nack(let command): nack(command, by: caller.connection)
        case .reject(let command): reject(command, by: caller.connection)
        case .redrive(let command): redrive(command, caller)
        case .touch(let delivery): touch(delivery, by: caller.connection)
        case .open(let command): .done(open(command, by: caller.connection))
        case .close(let name): .done(close(name, by: caller.connection))
        case .poison(let name, let reason): .done(poison(name, reason, by: caller.connection))
        case .join(let command): .done(join(command, caller.connection))
        case .leave(let end): .done(leave(end, caller.connection))
        case .name(let label, let waitsForAll): .done(name(caller.connection, label, waitsForAll))
        case .trace(let command): trace(command, caller)
        case .hello, .authenticate, .ping, .inspect, .kill, .cancel, .help, .quit:
            preconditionFailure("a command that the conversation answers")
        }
    }

    /// Performs a send as `apply` does.
    mutating func apply(_ command: SendCommand, by caller: Caller) -> Outcome {
        stage == .serving ? send(command, caller) : .done(.error(.draining))
    }

    /// Performs a receive as `apply` does.
    mutating func apply(_ command: ReceiveCommand, by caller: Caller) -> Outcome {
        if hint != nil { hint = nil }
        return stage == .serving ? receive(command, caller) : .done(.error(.draining))
    }

    /// Returns the channel that a client sends to or receives from, and notes its use.
    @inline(__always)
    mutating func channel(_ name: ChannelName, _ use: NameUse, _ client: ClientRecord) -> NamedChannel {
        guard client.isConnected else { return channels.channel(name) }
        client.note(use, of: name)
        return channels.channel(name, at: &client.channelSlot)
    }

    /// Returns the record of the client that an operation belongs to. Looked up once for each command.
    @inline(__always)
    func client(of caller: Caller) -> ClientRecord { clients[caller.connection] ?? unknownClient }

    /// Withdraws a parked operation. Its reply is `CANCELLED` or `MAYBE`, unless it is already complete.
    mutating func cancel(_ id: OperationID) {
        hint = nil
        if let operation = operations[id], exceedsSlice(operation) {
            withdraw([id], .cancelled)
        } else {
            withdraw(id, .cancelled)
        }
    }

    /// Ends the operations and leases whose time has run out, and forgets old entries.
    mutating func expire() {
        while hasStepsLeft, let deadline = deadlines.popFirst(upTo: now) {
            steps += 1
            switch deadline {
            case .operation(let id): withdraw(id, .timeout)
            case .lease(let id):
                guard isReady(forEndOf: id) else {
                    leases[id]?.deadline = deadlines.insert(deadline, at: now)
                    break
                }
                returnLease(id, after: pauseAfterExpiry(of: id))
            case .delay(let channel, let offer):
                guard isReady(forReturnTo: channel) else {
                    offer.delay(by: deadlines.insert(deadline, at: now))
                    break
                }
                wake(offer, on: channel)
            case .heldRejections(let channel): moveHeldRejections(of: channel)
            }
        }
        // If anything is left to prune, the next deadline is due at once.
        steps += memory.prune(at: now, atMost: max(0, sliceEnd - steps))
        steps += channels.prune(at: now, atMost: max(0, sliceEnd - steps))
    }

    private mutating func name(_ connection: ConnectionID, _ label: ChannelName, _ waitsForAll: Bool) -> Reply {
        clients[connection]?.rename(to: label)
        let evidence = waitsForAll ? WaitEvidence.all : .untagged
        if let client = clients[connection], client.waitEvidence != evidence {
            client.waitEvidence = evidence
            // A search for stuck clients that has begun must not rely on what the client said before.
            endsVersion &+= 1
        }
        return .ok(Attributes())
    }
}

/// Counts of what a hub has done and what it keeps.
struct HubTotals: Sendable {
    /// How long operations were parked, however they ended.
    var waits = TimeHistogram()
    /// The number of messages that receivers have taken for good.
    var handoffs = 0
    /// The number of messages in buffers, including those that were handed out and not acknowledged.
    var keptMessages = 0
    /// The bytes of the kept messages.
    var keptBytes = 0
    /// The number of messages in buffers that a receiver can get now.
    var bufferedMessages = 0
    /// The number of messages that were rejected, and how many of them moved to a dead channel.
    var rejections = 0
    var deadLetters = 0
    /// The number of rejected messages for which their dead channels have no room yet.
    var heldRejections = 0
}

/// Why an operation is withdrawn.
enum Withdrawal: String, Sendable {
    case timeout
    case cancelled
    /// The client has half-closed its connection, so it may not be there to read the outcome.
    case endOfInput = "eof"
    /// The conversation has ended with an error.
    case closing
    /// The hub is draining.
    case draining

    /// The reply to an operation that certainly did not happen.
    var reply: Reply {
        switch self {
        case .timeout: .timeout
        case .cancelled: .cancelled(nil)
        case .endOfInput, .closing, .draining: .cancelled(rawValue)
        }
    }

    /// The reply to an operation that may have happened.
    var doubt: Reply { .maybe(rawValue) }
}
