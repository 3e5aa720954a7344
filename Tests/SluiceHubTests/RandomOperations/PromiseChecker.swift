import SluiceRuntime
import SluiceWire

@testable import SluiceHub

/// Checks whether a hub that keeps its promises could have given the replies that its clients got.
///
/// The checker sees only the operations and their replies, not the machine. It records impossible replies as faults.
final class PromiseChecker {
    /// A message; all sends with the same id share one.
    final class Message {
        let channel: String
        let text: String
        let hasID: Bool
        /// The place of the send in the order of all sends, in which messages are received.
        var number: Int
        /// The number of operations that wait for the message's end.
        var waiting = 0
        /// The number of leases that the message has had.
        var attempts = 0
        /// The number of receivers that got the message without a lease or acknowledged it.
        var commits = 0
        var isLeased = false
        var restsUntil: UInt64 = 0
        /// Whether the message was sent with a delay, so that it stands where it was due.
        var isDelayed = false
        /// Whether a receiver has rejected the message.
        var isRejected = false
        /// Whether the sender was told that no receiver has the message or ever will.
        var hasFailed = false
        /// Whether the sender was told that the message was accepted.
        var wasAccepted = false
        /// Whether the message may be withdrawn although its sender waits: its select may have committed to a broadcast
        /// that no client has received yet, or has arms for both sides.
        var mayBeElsewhere = false
        /// The number of receivers that the sender was told of.
        var receivers: Int?
        /// Whether a call has sent the message.
        var wasCalled = false
        /// The answer of its receiver to a call.
        var answer: Body?

        init(_ text: String, on channel: String, hasID: Bool, number: Int) {
            self.text = text
            self.channel = channel
            self.hasID = hasID
            self.number = number
        }
    }

    struct Send {
        let message: Message
        /// The number of the select's arm; nil for a plain send.
        let arm: Int?
        let isUntilTaken: Bool
        var wantsAnswer = false
    }

    /// An operation that a client has begun.
    struct Operation {
        let connection: ConnectionID
        var sends: [Send] = []
        /// The nanoseconds of the leases by arm; -1 is a plain receive.
        var leases: [Int: UInt64] = [:]
        var barriers: [Int: (name: String, parties: Int?)] = [:]
        let waitsAfterEOF: Bool
        var isCounted = false
        /// Whether a receiver has one of the messages, so that the operation waits for that one alone.
        var isCommitted = false
    }

    struct Lease {
        let message: Message
        let holder: ConnectionID
        let nanoseconds: UInt64
        var end: UInt64
        /// Whether the message says that an answer is wanted.
        let isCall: Bool
    }

    private(set) var faults: [String] = []
    private(set) var pending: [OperationID: Operation] = [:]
    private(set) var leases: [DeliveryID: Lease] = [:]
    private(set) var messages: [String: Message] = [:]
    /// The bytes of counted receives that each connection has not reported as written.
    var unwritten: [ConnectionID: Int] = [:]
    /// The channels that may have lost accepted messages, because they were poisoned or their last receiver left.
    var lossy: Set<String> = []
    var now: UInt64 = 0
    private var seen: Set<DeliveryID> = []
    private var lastNumber = 0
    // The results of the current step.
    private var handed: [Message] = []
    private var failed: [Send] = []
    private var succeeded: [Send] = []
    private var met: [String: [Int?]] = [:]

    func fault(_ text: String) { faults.append(text) }

    // MARK: Messages

    /// Returns the message of a new send: an existing one if the id is known, otherwise a new one.
    func message(on channel: String, id: String?) -> Message {
        lastNumber += 1
        guard let id else {
            let message = Message("m\(lastNumber)", on: channel, hasID: false, number: lastNumber)
            messages[channel + "/" + message.text] = message
            return message
        }
        let known = messages[channel + "/" + id] ?? Message(id, on: channel, hasID: true, number: lastNumber)
        messages[channel + "/" + id] = known
        // The earlier sends have failed for certain, so this send starts anew.
        if known.waiting == 0, !known.isLeased, !known.wasAccepted, known.commits == 0 {
            known.number = lastNumber
            known.attempts = 0
            known.restsUntil = 0
        }
        return known
    }

    // MARK: Events

    func begin(_ operation: Operation, _ outcome: Outcome) {
        switch outcome {
        case .ok(let attributes): conclude(operation, .ok(Attributes(attributes)))
        case .done(let reply): conclude(operation, reply)
        case .unreported: fault("an operation got no reply")
        case .parked(let id):
            if pending[id] != nil { fault("\(id) was begun twice") }
            pending[id] = operation
            for send in operation.sends { send.message.waiting += 1 }
        }
    }

    func take(_ effect: Effect) {
        if case .released = effect.content { return }
        guard let operation = pending[effect.operation], operation.connection == effect.connection else {
            return fault("\(effect) is for no pending operation")
        }
        switch effect.content {
        case .final(let reply):
            forget(effect.operation)
            conclude(operation, reply)
        case .partial(let reply):
            if case .message(_, let body, _) = reply {
                unwritten[effect.connection, default: 0] += HubStateMachine.outputBytes(ofMessage: body.count)
            }
            conclude(operation, reply)
            if !operation.isCounted { fault("\(reply) is partial, but the operation is not a counted receive") }
        case .handoff, .released: break
        }
    }

    private func forget(_ id: OperationID) {
        for send in pending.removeValue(forKey: id)?.sends ?? [] { send.message.waiting -= 1 }
    }

    /// - Parameter reply: nil if there was none.
    func acknowledged(
        _ delivery: DeliveryID, by connection: ConnectionID, answering answer: Body? = nil,
        repliesOnlyToFailure: Bool = false, _ reply: Reply?
    ) {
        var isWanted = true
        if answer != nil, let lease = leases[delivery], lease.holder == connection {
            isWanted = lease.isCall && (lease.message.waiting > 0 || lease.message.hasID)
            if isWanted { lease.message.answer = answer }
        }
        let expected = isWanted ? Reply.ok : .unwanted
        if (reply == nil) != repliesOnlyToFailure, reply?.refusal == nil { fault("ACK \(delivery) got \(reply)") }
        guard let lease = end(delivery, by: connection, reply ?? expected, expecting: expected) else { return }
        lease.message.commits += 1
        if lease.message.commits > 1, !isForAll(lease.message) { fault("\(lease.message.text) was acknowledged twice") }
    }

    func refused(_ delivery: DeliveryID, by connection: ConnectionID, delay: UInt64, _ reply: Reply) {
        end(delivery, by: connection, reply)?.message.restsUntil = now + delay
    }

    func rejected(_ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply) {
        end(delivery, by: connection, reply)?.message.isRejected = true
    }

    func touched(_ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply) {
        let isHeld = leases[delivery]?.holder == connection
        if isHeld != (reply == .ok) { fault("TOUCH \(delivery) got \(reply)") }
        if isHeld, let nanoseconds = leases[delivery]?.nanoseconds { leases[delivery]?.end = now + nanoseconds }
    }

    @discardableResult
    private func end(
        _ delivery: DeliveryID, by connection: ConnectionID, _ reply: Reply, expecting expected: Reply = .ok
    ) -> Lease? {
        guard let lease = leases[delivery], lease.holder == connection else {
            if case .ok = reply { fault("\(delivery) was accepted although it is stale") }
            return nil
        }
        guard reply == expected else {
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

    /// Ends the leases whose time has run out; call it before the replies that follow from that.
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
                return fault("OK for an arm that sends nothing")
            }
            fail(operation.sends.filter { $0.arm != arm })
            if attributes.contains(where: { $0.key == .dropped }) { return fail([taken]) }
            if taken.wantsAnswer, taken.message.answer != nil {
                fault("\(taken.message.text) was answered, and got OK")
            }
            taken.message.receivers = attributes.number(of: .receivers)
            taken.message.wasAccepted = true
            succeeded.append(taken)
        case .message(let channel, let body, let attributes):
            if operation.isCommitted { fault("\(reply) for a select that has sent its message") }
            fail(operation.sends)
            hand(channel.description, String(decoding: body, as: UTF8.self), attributes, operation)
        case .maybe: break
        case .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled, .otherwise, .error:
            fail(operation.sends)
        case .data(let answer, _):
            guard let call = operation.sends.first, call.wantsAnswer else { return fault("\(reply) is for no call") }
            if call.message.answer != answer { fault("\(call.message.text) was not answered with \(reply)") }
            call.message.wasAccepted = true
            succeeded.append(call)
        case .end: break
        }
    }

    private func fail(_ sends: [Send]) {
        failed += sends
        for send in sends where !send.message.hasID { send.message.hasFailed = true }
    }

    private func hand(_ channel: String, _ text: String, _ attributes: Attributes, _ operation: Operation) {
        guard let message = messages[channel + "/" + text] else { return fault("\(text) was never sent on \(channel)") }
        if message.hasFailed { fault("\(text) was received, although its sender was told otherwise") }
        if message.isRejected { fault("\(text) was received after it was rejected") }
        if !isForAll(message) {
            if message.commits > 0 { fault("\(text) was received again on \(channel)") }
            if message.isLeased { fault("\(text) was handed out while it was under a lease") }
            if message.restsUntil > now { fault("\(text) was handed out before its delay had passed") }
        }
        handed.append(message)
        let lease = operation.leases[attributes.number(of: .arm) ?? -1] ?? 0
        let delivery = attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) }
        if lease > 0 {
            message.attempts += 1
            guard let delivery else { return fault("\(text) has no lease") }
            if !seen.insert(delivery).inserted { fault("\(delivery) was used before") }
            if attributes.number(of: .attempt) != message.attempts {
                fault("\(text) is not attempt \(message.attempts): \(attributes)")
            }
            message.isLeased = true
            leases[delivery] = Lease(
                message: message, holder: operation.connection, nanoseconds: lease, end: now + lease,
                isCall: attributes.isCall)
            if attributes.isCall, !message.wasCalled { fault("\(text) wants an answer, but is no call") }
        } else {
            if delivery != nil { fault("\(text) has a lease that was not requested") }
            message.commits += 1
        }
    }

    /// Whether a message may have several receivers, as on a broadcast or once channel.
    private func isForAll(_ message: Message) -> Bool {
        message.channel.hasPrefix("w") || message.channel.hasPrefix("v")
    }

    // MARK: The end of a step

    /// Checks the results of the step.
    ///
    /// - Parameter isOneEvent: whether no message can have come back after another one was handed out.
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
            if message.isRejected, !message.wasAccepted {
                fault("\(message.text) was rejected, and its sender told OK")
            }
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

    /// Notes that a pending select waits only for the message that a receiver has.
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
            for other in messages.values
            where other.channel == message.channel && other.number < message.number && !message.isDelayed {
                if isAvailable(other) { fault("\(message.text) has overtaken \(other.text) on \(message.channel)") }
            }
        }
    }

    private func isAvailable(_ message: Message) -> Bool {
        guard message.commits == 0, !message.isRejected, !message.isDelayed, !message.isLeased,
            message.restsUntil <= now, !message.hasFailed,
            !message.mayBeElsewhere
        else {
            return false
        }
        return message.waiting > 0 || message.wasAccepted && !lossy.contains(message.channel)
    }

    /// Checks, when all messages are received, that no accepted message was lost.
    func checkNothingLost(on channels: [String]) {
        for message in messages.values where channels.contains(message.channel) && !lossy.contains(message.channel) {
            if message.wasAccepted, message.commits != 1, !message.isRejected {
                fault("\(message.text) was accepted on \(message.channel), and received \(message.commits) times")
            }
        }
    }
}

extension Attributes {
    /// Returns the number that the attribute `key` has.
    func number(of key: Attribute.Key) -> Int? { first { $0.key == key }.flatMap { Int($0.value) } }
}
