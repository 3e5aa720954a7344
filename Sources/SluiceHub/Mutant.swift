#if MUTANTS
    import Synchronization
#endif

/// A small way in which a hub can be wrong. The simulation is run with each of them: a checker that does not notice is worth
/// nothing.
///
/// They are there in a build with the trait `Mutants` only. In every other one `isOn` is the constant false, and the
/// compiler leaves out whatever depends on it.
package enum Mutant: String, CaseIterable, Sendable {
    /// A message whose lease ends without an acknowledgement is gone.
    case requeueDropped = "requeue-dropped"
    /// An acknowledgement is accepted, whatever it names.
    case staleAcknowledgementAccepted = "stale-ack-accepted"
    /// Who acknowledges need not be who has the message.
    case foreignAcknowledgementAccepted = "foreign-ack-accepted"
    /// A send that runs out of time while a receiver has its message is told that it did not happen.
    case timeoutAfterMatch = "timeout-after-match"
    /// The same when it is cancelled.
    case cancelAfterCommit = "cancel-after-commit"
    /// A message that comes back does not find those who wait for one.
    case lostWakeup = "lost-wakeup"
    /// A new message does not find those who wait for one.
    case missedReceiver = "missed-receiver"
    /// A message that a waiting receiver takes goes to the next one as well.
    case doubleWakeup = "double-wakeup"
    /// A select that has received takes another of its arms too.
    case selectCommitsTwo = "select-commits-two"
    /// A select that is over stays in the queues of its other arms.
    case selectLeavesLoser = "select-leaves-loser"
    /// The sender that waits longest is passed over.
    case sendersOutOfTurn = "senders-out-of-turn"
    /// The receiver that waits longest is passed over.
    case receiversOutOfTurn = "receivers-out-of-turn"
    /// The leases of a connection outlive it.
    case leaseOutlivesHolder = "lease-outlives-holder"
    /// A lease never runs out.
    case leaseWithoutEnd = "lease-without-end"
    /// What a connection waits for outlives it.
    case waitOutlivesClient = "wait-outlives-client"
    /// What a client has pending goes on when it has finished sending.
    case waitOutlivesInput = "wait-outlives-input"
    /// To close a channel throws away what is in it.
    case closeDiscards = "close-discards"
    /// Who waits to receive is not told of a poisoning.
    case poisonMissesReceivers = "poison-misses-receivers"
    /// Who waits to send is not told of it.
    case poisonMissesSenders = "poison-misses-senders"
    /// A delivered message is not remembered under its id.
    case dedupeForgetsDelivered = "dedupe-forgets-delivered"
    /// A pending message is not known under its id.
    case dedupeForgetsPending = "dedupe-forgets-pending"
    /// A barrier opens for one fewer.
    case barrierOpensEarly = "barrier-opens-early"
    /// A counted receive has one message more than its window.
    case windowOverrun = "window-overrun"
    /// A counted receive gives one message more than was asked for.
    case countOverrun = "count-overrun"
    /// A counted receive goes on although its client takes nothing.
    case outputUnbounded = "output-unbounded"
    /// A connection may wait with any number of bytes.
    case parkedUnbounded = "parked-unbounded"
    /// A sender has its answer before its message is acknowledged.
    case answeredBeforeAcknowledged = "answered-before-acknowledged"
    /// An attempt to deliver does not count.
    case attemptUncounted = "attempt-uncounted"
    /// A message that is refused for some time is there again at once, and once more later.
    case restingTwice = "resting-twice"
    /// One who has time runs out of it at half of it.
    case timeoutEarly = "timeout-early"
    /// An operation that runs out of time is not told.
    case timeoutUntold = "timeout-untold"
    /// A broadcast leaves one receiver out, and counts it.
    case broadcastLeavesOneOut = "broadcast-leaves-one-out"
    /// What follows an untagged command that waits runs at once.
    case orderIgnored = "order-ignored"
    /// A receiver with a lease is given a plain message for good.
    case plainIgnoresLease = "plain-ignores-lease"
    /// Plain messages behind another one go where that went, whatever their channel is.
    case plainRunMixesChannels = "plain-run-mixes-channels"
    /// Plain messages behind another one are handed on although the client takes nothing.
    case plainRunUnbounded = "plain-run-unbounded"
    /// A hub that drains takes new work.
    case drainBeginsWork = "drain-begins-work"
    /// A hub that drains leaves who waits waiting.
    case drainLeavesWaiting = "drain-leaves-waiting"
    /// A hub that drains tells senders that their message was not received, while a receiver has it.
    case drainWithdrawsLeased = "drain-withdraws-leased"
    /// A hub that drains gives the receivers who have a message no time to acknowledge it.
    case drainHurries = "drain-hurries"
    /// A hub that drains does not notice that a receiver has given back its last message.
    case drainMissesRelease = "drain-misses-release"

    #if MUTANTS
        private static let current = Atomic<Int>(-1)

        /// Has every hub of the process be this mutant from now on; nil is none.
        package static func become(_ mutant: Mutant?) {
            current.store(mutant.flatMap { allCases.firstIndex(of: $0) } ?? -1, ordering: .relaxed)
        }

        static func isOn(_ mutant: Mutant) -> Bool {
            let number = current.load(ordering: .relaxed)
            return number >= 0 && allCases[number] == mutant
        }
    #else
        @inline(__always)
        static func isOn(_ mutant: Mutant) -> Bool { false }
    #endif
}
