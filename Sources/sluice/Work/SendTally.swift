import SluiceWire

/// What has become of messages that were sent: each is counted once.
struct SendTally: Sendable, Hashable, Encodable {
    /// Taken by a receiver, or kept by a channel that buffers.
    var taken = 0
    /// Dropped by the channel, as it was declared to.
    var dropped = 0
    /// Sent already, under the same id.
    var duplicates = 0
    var timedOut = 0
    /// The channel was closed or poisoned.
    var ended = 0
    /// Withdrawn before anybody took it.
    var withdrawn = 0
    var refused = 0
    /// A receiver may have it.
    var inDoubt = 0

    /// What was wrong first.
    private(set) var problem: String?

    private enum CodingKeys: CodingKey {
        case taken, dropped, duplicates, timedOut, ended, withdrawn, refused, inDoubt
    }

    /// All of which it is known that they arrived, or were to be dropped.
    var done: Int { taken + dropped + duplicates }
    var failed: Int { timedOut + ended + withdrawn + refused + inDoubt }

    /// Counts one.
    mutating func count(_ reply: Reply) {
        switch reply {
        case .ok(let attributes):
            if attributes.contains(Attribute(.dropped, flag: true)) {
                dropped += 1
            } else if attributes.contains(Attribute(.duplicate, flag: true)) {
                duplicates += 1
            } else {
                taken += 1
            }
            return
        case .timeout: timedOut += 1
        case .closed, .poisoned: ended += 1
        case .cancelled: withdrawn += 1
        case .maybe: inDoubt += 1
        case .error, .message, .data, .otherwise, .end: refused += 1
        }
        if problem == nil { problem = Failure(reply).message }
    }

    /// Counts one of which nobody will tell any more.
    mutating func countLost(_ failure: Failure) {
        inDoubt += 1
        if problem == nil { problem = failure.message }
    }

    /// The worst of it.
    var status: ExitStatus {
        if inDoubt > 0 { return .inDoubt }
        if refused > 0 || withdrawn > 0 { return .error }
        if ended > 0 { return .ended }
        if timedOut > 0 { return .timeout }
        return .success
    }

    /// What to tell a person; nil when there is nothing to tell.
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
