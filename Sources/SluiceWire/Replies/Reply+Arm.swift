extension Reply {
    /// The index of the arm that a select committed, or whose channel has ended. Nil if the reply does not name an arm.
    package func place(among arms: [Arm]) -> Int? {
        switch self {
        case .ok(let attributes), .message(_, _, let attributes):
            attributes.arm.flatMap { arms.indices.contains($0) ? $0 : nil }
        case .closed(let channel, _, let arm), .poisoned(let channel, _, let arm):
            // Earlier servers do not name the arm.
            arm.map(Int.init).flatMap { arms.indices.contains($0) ? $0 : nil }
                ?? arms.firstIndex { $0.name == channel }
        case .rejected(let channel, _): arms.firstIndex { $0.name == channel }
        case .data, .timeout, .cancelled, .maybe, .otherwise, .end, .error: nil
        }
    }

    /// Whether the reply says that a channel has ended.
    package var endsChannel: Bool {
        switch self {
        case .closed, .poisoned: true
        case .ok, .message, .data, .timeout, .rejected, .cancelled, .maybe, .otherwise, .end, .error: false
        }
    }

    /// Returns the reply, with the arm of the select if it says that the arm's channel has ended.
    package func naming(arm: Int32?) -> Reply {
        switch self {
        case .closed(let channel, let reason, _): .closed(channel, reason, arm: arm)
        case .poisoned(let channel, let reason, _): .poisoned(channel, reason, arm: arm)
        case .ok, .message, .data, .timeout, .rejected, .cancelled, .maybe, .otherwise, .end, .error: self
        }
    }
}
