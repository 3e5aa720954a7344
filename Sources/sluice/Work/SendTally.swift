import SluiceClient
import SluiceRuntime
import SluiceWire

/// Counts the outcomes of sent messages, each message once.
struct SendTally: Sendable, Hashable, Encodable {
    /// Taken by a receiver, or kept by a channel that buffers.
    var taken = 0
    /// Dropped by the channel, as it was declared to.
    var dropped = 0
    /// Delivered by an earlier send under the same id.
    var duplicates = 0
    var timedOut = 0
    /// Not taken, because the channel was closed or poisoned.
    var ended = 0
    /// Withdrawn before a receiver took them.
    var withdrawn = 0
    var refused = 0
    /// A receiver may have them.
    var inDoubt = 0

    /// Those of the refused messages that a receiver has rejected for good.
    private(set) var rejected = 0
    /// Those of the refused messages for whose channel the client has no permission.
    private(set) var denied = 0
    /// The first thing that went wrong.
    private(set) var problem: String?

    private enum CodingKeys: CodingKey {
        case taken, dropped, duplicates, timedOut, ended, withdrawn, refused, inDoubt
    }

    /// The messages that are known to have arrived, or to have been dropped as declared.
    var done: Int { taken + dropped + duplicates }
    var failed: Int { timedOut + ended + withdrawn + refused + inDoubt }

    /// Counts the outcome of one message.
    ///
    /// - Parameter channel: the channel that it was sent on.
    mutating func count(_ outcome: OperationOutcome, on channel: ChannelName) {
        switch outcome {
        case .reply(let reply, _): count(reply, on: channel)
        case .failed(let error): count(error)
        }
    }

    mutating func count(_ reply: Reply, on channel: ChannelName? = nil) {
        switch reply {
        case .ok(let attributes):
            if attributes.isDropped {
                dropped += 1
            } else if attributes.isDuplicate {
                duplicates += 1
            } else {
                taken += 1
            }
            return
        case .timeout, .timeoutWithoutReceivers: timedOut += 1
        case .closed, .poisoned: ended += 1
        case .cancelled: withdrawn += 1
        case .maybe: inDoubt += 1
        case .rejected:
            refused += 1
            rejected += 1
        case .error(let error) where error.code == .denied:
            refused += 1
            denied += 1
        case .error, .message, .data, .otherwise, .end: refused += 1
        }
        if problem == nil { problem = Failure(reply, sendingOn: channel).message }
    }

    /// Counts a message to which the hub has not replied.
    private mutating func count(_ error: SluiceError) {
        switch error.code {
        case .tooBig, .limit: refused += 1
        case .timedOut: timedOut += 1
        case .cancelled: withdrawn += 1
        default: inDoubt += 1
        }
        if problem == nil { problem = Failure(error).message }
    }

    /// The status of the worst outcome.
    var status: ExitStatus {
        if inDoubt > 0 { return .inDoubt }
        if refused > rejected + denied || withdrawn > 0 { return .error }
        if denied > 0 { return .denied }
        if rejected > 0 { return .rejected }
        if ended > 0 { return .ended }
        if timedOut > 0 { return .timeout }
        return .success
    }

    /// A line for a person; nil when nothing went wrong.
    var complaint: String? {
        guard failed > 0 else { return nil }
        if done + failed == 1, let problem { return problem }
        let parts = [
            (timedOut, "not taken in time"), (ended, "refused, the channel having ended"), (withdrawn, "withdrawn"),
            (refused, "refused"), (inDoubt, "in doubt"),
        ]
        let counted = parts.filter { $0.0 > 0 }.map { "\(String(readable: $0.0)) \($0.1)" }
        let reason = problem.map { " (\($0))" } ?? ""
        return "\(String(readable: done)) sent, \(counted.joined(separator: ", "))\(reason)"
    }
}
