extension Reply {
    /// The index of the arm that a select committed, or whose channel has ended. Nil if the reply does not name an arm.
    package func place(among arms: [Arm]) -> Int? {
        switch self {
        case .ok(let attributes), .message(_, _, let attributes):
            attributes.arm.flatMap { arms.indices.contains($0) ? $0 : nil }
        case .closed(let channel, _), .poisoned(let channel, _):
            arms.firstIndex { $0.name == channel }
        case .data, .timeout, .cancelled, .maybe, .otherwise, .end, .error: nil
        }
    }
}
