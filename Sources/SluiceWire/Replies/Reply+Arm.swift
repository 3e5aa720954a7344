extension Reply {
    /// The index of the arm that a select committed, whose channel has ended, or whose message was rejected. Nil if the
    /// reply does not name an arm.
    package func place(among arms: [Arm]) -> Int? {
        switch self {
        case .ok(let attributes), .message(_, _, let attributes):
            attributes.arm.flatMap { arms.indices.contains($0) ? $0 : nil }
        case .closed(let channel, _, let arm), .poisoned(let channel, _, let arm), .rejected(let channel, _, let arm):
            // Earlier servers do not name the arm.
            arm.map(Int.init).flatMap { arms.indices.contains($0) ? $0 : nil }
                ?? arms.firstIndex { $0.name == channel }
        case .data, .timeout, .timeoutWithoutReceivers, .cancelled, .maybe, .otherwise, .end, .error: nil
        }
    }

    /// Whether the reply to a select names an arm that was not completed: its channel has ended, or its message was
    /// rejected.
    package var namesFailedArm: Bool {
        switch self {
        case .closed, .poisoned, .rejected: true
        case .ok, .message, .data, .timeout, .timeoutWithoutReceivers, .cancelled, .maybe, .otherwise, .end, .error:
            false
        }
    }

    /// Returns the reply, with the arm of the select if the arm was not completed; see ``namesFailedArm``.
    package func naming(arm: Int32?) -> Reply {
        switch self {
        case .closed(let channel, let reason, _): .closed(channel, reason, arm: arm)
        case .poisoned(let channel, let reason, _): .poisoned(channel, reason, arm: arm)
        case .rejected(let channel, let reason, _): .rejected(channel, reason, arm: arm)
        case .ok, .message, .data, .timeout, .timeoutWithoutReceivers, .cancelled, .maybe, .otherwise, .end, .error:
            self
        }
    }
}
