import SluiceRuntime
import SluiceWire

@testable import SluiceHub

/// What clients saw, and whether a hub that keeps its promises could have shown them that.
///
/// It knows nothing of the machine but what it has told: the operations and their replies are entered, and what cannot
/// be is put down as a fault.
final class PromiseChecker {
    /// A message that somebody sends; with an id, one for all who send it.
    final class Message {
        let channel: String
        let text: String
        let hasID: Bool
        /// When it was sent, as a number: who was sent first is received first.
        var number: Int
        /// How many operations wait for its end.
        var waiting = 0
        /// How often it was handed out under a lease.
        var attempts = 0
        /// How often a receiver has taken it for good, or acknowledged it.
        var commits = 0
        var isLeased = false
        var restsUntil: UInt64 = 0
        /// Its sender was told that nobody received it, and nobody ever will.
        var hasFailed = false
        /// Its sender was told that it was accepted.
        var wasAccepted = false
        /// Whether it may not be there any more although its sender waits: that is a select which may have committed to a
        /// broadcast that nobody has received yet, or stands on both sides.
        var mayBeElsewhere = false
        /// How many receivers its sender was told of.
        var receivers: Int?

        init(_ text: String, on channel: String, hasID: Bool, number: Int) {
            self.text = text
            self.channel = channel
            self.hasID = hasID
            self.number = number
        }
    }

    struct Send {
        let message: Message
        /// The number of the arm; nil of a plain send.
        let arm: Int?
        let isUntilTaken: Bool
    }

    /// An operation that was begun.
    struct Operation {
        let connection: ConnectionID
        var sends: [Send] = []
        /// The nanoseconds of its leases, by arm; -1 stands for a plain receive.
        var leases: [Int: UInt64] = [:]
        var barriers: [Int: (name: String, parties: Int?)] = [:]
        let waitsAfterEOF: Bool
        var isCounted = false
        /// Whether a receiver has one of its messages, so that it waits for nothing else.
        var isCommitted = false
    }

    struct Lease {
        let message: Message
        let holder: ConnectionID
        let nanoseconds: UInt64
        var end: UInt64
    }

    private(set) var faults: [String] = []
    private(set) var pending: [OperationID: Operation] = [:]
    private(set) var leases: [DeliveryID: Lease] = [:]
    private(set) var messages: [String: Message] = [:]
    /// What each connection was given by counted receives, and has not reported as written.
    var unwritten: [ConnectionID: Int] = [:]
    /// The channels of which accepted messages may have been lost: they were poisoned, or nobody was left to receive.
    var lossy: Set<String> = []
    var now: UInt64 = 0
    private var seen: Set<DeliveryID> = []
    private var lastNumber = 0
    // What the current step has done.
    private var handed: [Message] = []
    private var failed: [Send] = []
    private var succeeded: [Send] = []
    private var met: [String: [Int?]] = [:]

    func fault(_ text: String) { faults.append(text) }

    // MARK: What is sent

    /// The message that is sent now; with an id, the one that is on its way already, if there is one.
    func message(on channel: String, id: String?) -> Message {
        lastNumber += 1
        guard let id else {
            let message = Message("m\(lastNumber)", on: channel, hasID: false, number: lastNumber)
            messages[channel + "/" + message.text] = message
            return message
        }
        let known = messages[channel + "/" + id] ?? Message(id, on: channel, hasID: true, number: lastNumber)
        messages[channel + "/" + id] = known
        // Nothing has come of it, and nothing will: it is sent as another one.
        if known.waiting == 0, !known.isLeased, !known.wasAccepted, known.commits == 0 {
            known.number = lastNumber
            known.attempts = 0
            known.restsUntil = 0
        }
        return known
    }

    // MARK: What is told

    func begin(_ operation: Operation, _ outcome: Outcome) {
        switch outcome {
        case .done(let reply): conclude(operation, reply)
        case .parked(let id):
            if pending[id] != nil { fault("\(id) was begun while it was there") }
            pending[id] = operation
            for send in operation.sends { send.message.waiting += 1 }
        }
    }

    func take(_ effect: Effect) {
        if case .released = effect.content { return }
        guard let operation = pending[effect.operation], operation.connection == effect.connection else {
            return fault("\(effect) is for nobody")
        }
        switch effect.content {
        case .final(let reply):
            forget(effect.operation)
            conclude(operation, reply)
        case .partial(let reply):
            unwritten[effect.connection, default: 0] += HubStateMachine.outputBytes(of: reply)
            conclude(operation, reply)
            if !operation.isCounted { fault("\(reply) is a part of what has no parts") }
        case .handoff, .released: break
        }
    }

    private func forget(_ id: OperationID) {
        for send in pending.removeValue(forKey: id)?.sends ?? [] { send.message.waiting -= 1 }
    }

    func acknowledged(_ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply) {
        guard let lease = end(delivery, by: connection, reply) else { return }
        lease.message.commits += 1
        if lease.message.commits > 1, !isForAll(lease.message) { fault("\(lease.message.text) was acknowledged twice") }
    }

    func refused(_ delivery: DeliveryID, by connection: ConnectionID, delay: UInt64, _ reply: Reply) {
        end(delivery, by: connection, reply)?.message.restsUntil = now + delay
    }

    func touched(_ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply) {
        let isHeld = leases[delivery]?.holder == connection
        if isHeld != (reply == .ok) { fault("TOUCH \(delivery) got \(reply)") }
        if isHeld, let nanoseconds = leases[delivery]?.nanoseconds { leases[delivery]?.end = now + nanoseconds }
    }

    @discardableResult
    private func end(_ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply) -> Lease? {
        guard let lease = leases[delivery], lease.holder == connection else {
            if reply == .ok { fault("\(delivery) was accepted although it is stale") }
            return nil
        }
        guard reply == .ok else {
            fault("\(delivery) was refused although it is good: \(reply)")
            return nil
        }
        leases[delivery] = nil
        lease.message.isLeased = false
        return lease
    }

    func disconnected(_ connection: ConnectionID) {
        for (id, operation) in pending where operation.connection == connection { forget(id) }
        for (delivery, lease) in leases where lease.holder == connection { release(delivery, lease) }
        unwritten[connection] = nil
    }

    /// Time has passed; what is told of that comes afterwards.
    func expireLeases() {
        for (delivery, lease) in leases where lease.end <= now { release(delivery, lease) }
    }

    private func release(_ delivery: DeliveryID, _ lease: Lease) {
        leases[delivery] = nil
        lease.message.isLeased = false
    }

    // MARK: Replies

    private func conclude(_ operation: Operation, _ reply: Reply) {
        switch reply {
        case .ok(let attributes):
            let arm = attributes.number(of: .arm)
            if let barrier = operation.barriers[arm ?? -1] {
                met[barrier.name, default: []].append(barrier.parties)
                return fail(operation.sends)
            }
            guard let taken = operation.sends.first(where: { $0.arm == arm }) else {
                return fault("OK to nothing that was sent")
            }
            fail(operation.sends.filter { $0.arm != arm })
            if attributes.contains(where: { $0.key == .dropped }) { return fail([taken]) }
            taken.message.receivers = attributes.number(of: .receivers)
            taken.message.wasAccepted = true
            succeeded.append(taken)
        case .message(let channel, let body, let attributes):
            if operation.isCommitted { fault("\(reply) to who had sent something") }
            fail(operation.sends)
            hand(channel.description, String(decoding: body, as: UTF8.self), attributes, operation)
        case .maybe: break
        case .timeout, .closed, .poisoned, .cancelled, .otherwise, .error: fail(operation.sends)
        case .end, .data: break
        }
    }

    private func fail(_ sends: [Send]) {
        failed += sends
        for send in sends where !send.message.hasID { send.message.hasFailed = true }
    }

    private func hand(_ channel: String, _ text: String, _ attributes: [Attribute], _ operation: Operation) {
        guard let message = messages[channel + "/" + text] else { return fault("\(text) was never sent on \(channel)") }
        if message.hasFailed { fault("\(text) was received, although its sender was told that it would not be") }
        if !isForAll(message) {
            if message.commits > 0 { fault("\(text) was received again on \(channel)") }
            if message.isLeased { fault("\(text) was handed out while it was under a lease") }
            if message.restsUntil > now { fault("\(text) was handed out while it rested") }
        }
        handed.append(message)
        let lease = operation.leases[attributes.number(of: .arm) ?? -1] ?? 0
        let delivery = attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) }
        if lease > 0 {
            message.attempts += 1
            guard let delivery else { return fault("\(text) has no lease") }
            if !seen.insert(delivery).inserted { fault("\(delivery) was used before") }
            if attributes.number(of: .attempt) != message.attempts {
                fault("\(text) comes as another attempt than \(message.attempts): \(attributes)")
            }
            message.isLeased = true
            leases[delivery] = Lease(
                message: message, holder: operation.connection, nanoseconds: lease, end: now + lease)
        } else {
            if delivery != nil { fault("\(text) has a lease that nobody wanted") }
            message.commits += 1
        }
    }

    /// Whether a message may have several receivers: a broadcast's, and the value of a once channel.
    private func isForAll(_ message: Message) -> Bool {
        message.channel.hasPrefix("w") || message.channel.hasPrefix("v")
    }

    // MARK: At the end of a step

    /// - Parameter isOneEvent: whether nothing can have come back after something else was handed out.
    func endStep(isOneEvent: Bool) {
        commitSelects()
        for send in failed {
            let message = send.message
            if isForAll(message) || message.hasID { continue }
            if message.commits > 0 { fault("\(message.text) was received, and its sender told that it was not") }
            if message.isLeased { fault("\(message.text) is under a lease, and its sender was told that it failed") }
        }
        for send in succeeded {
            let message = send.message
            if isForAll(message) {
                if let receivers = message.receivers, receivers != message.commits {
                    fault("\(message.text) has \(message.commits) receivers, and its sender was told of \(receivers)")
                }
            } else if message.channel.hasPrefix("r") || send.isUntilTaken && !message.hasID {
                if message.commits != 1 { fault("\(message.text) was OK, and was received \(message.commits) times") }
            }
        }
        if isOneEvent { checkOrder() }
        for (name, parties) in met {
            let said = Set(parties.compactMap(\.self))
            if said.count != 1 || said.first != parties.count { fault("\(parties) met at \(name)") }
        }
        (handed, failed, succeeded, met) = ([], [], [], [:])
    }

    /// A select that waits on, although a receiver has one of its messages, waits for that one alone.
    private func commitSelects() {
        for message in handed {
            for (id, operation) in pending {
                guard let taken = operation.sends.first(where: { $0.message === message }), taken.arm != nil else {
                    continue
                }
                let others = operation.sends.filter { $0.message !== message }
                for send in others { send.message.waiting -= 1 }
                fail(others)
                pending[id]?.sends = [taken]
                pending[id]?.isCommitted = true
            }
        }
    }

    private func checkOrder() {
        for message in handed where message.channel.hasPrefix("r") || message.channel.hasPrefix("b") {
            for other in messages.values where other.channel == message.channel && other.number < message.number {
                if isAvailable(other) { fault("\(message.text) has overtaken \(other.text) on \(message.channel)") }
            }
        }
    }

    private func isAvailable(_ message: Message) -> Bool {
        guard message.commits == 0, !message.isLeased, message.restsUntil <= now, !message.hasFailed,
            !message.mayBeElsewhere
        else {
            return false
        }
        return message.waiting > 0 || message.wasAccepted && !lossy.contains(message.channel)
    }

    /// Checks, once everything was received, that nothing was lost that was accepted.
    func checkNothingLost(on channels: [String]) {
        for message in messages.values where channels.contains(message.channel) && !lossy.contains(message.channel) {
            if message.wasAccepted, message.commits != 1 {
                fault("\(message.text) was accepted on \(message.channel), and received \(message.commits) times")
            }
        }
    }
}

extension [Attribute] {
    /// The number that the attribute of that key has.
    func number(of key: Attribute.Key) -> Int? { first { $0.key == key }.flatMap { Int($0.value) } }
}
