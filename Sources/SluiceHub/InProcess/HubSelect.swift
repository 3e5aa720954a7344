public import SluiceRuntime
import SluiceWire

/// One arm of a select among the channels of a hub, with the action to run if it is taken.
public struct HubArm<Output> {
    let trigger: ArmTrigger
    let finish: (Reply) async throws -> Output
}

/// Returns an arm that is taken if no other arm can be taken for `duration`.
public func after<Output>(_ duration: Duration, _ action: @escaping () async throws -> Output) -> HubArm<Output> {
    HubArm(trigger: .timeout(duration)) { _ in try await action() }
}

/// Returns an arm that is taken at once if no other arm can be completed now; see `SELECT` of the protocol.
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> HubArm<Output> {
    HubArm(trigger: .otherwise) { _ in try await action() }
}

extension HubChannel {
    /// Returns an arm that receives from this channel. `action` gets the message, or nil if the channel is closed.
    public func receiving<Output>(_ action: @escaping ([UInt8]?) async throws -> Output) -> HubArm<Output> {
        HubArm(trigger: .operation(.receive(name))) { reply in
            switch reply {
            case .message(_, let bytes, _): try await action(bytes)
            case .closed: try await action(nil)
            default: throw reply.error
            }
        }
    }

    /// Returns an arm that receives from this channel under a lease, as `receive(lease:)` does. `action` gets the
    /// message, or nil if the channel is closed and empty.
    ///
    /// - Parameter lease: the time in which the message must be acknowledged or touched; at least a nanosecond.
    public func receiving<Output>(
        lease: Duration, _ action: @escaping (LeasedMessage?) async throws -> Output
    ) -> HubArm<Output> {
        HubArm(trigger: .operation(.receive(name, lease: Swift.max(lease, .nanoseconds(1))))) { [client] reply in
            switch reply {
            case .message(_, let bytes, let attributes):
                try await action(LeasedMessage(bytes, attributes, of: client))
            case .closed: try await action(nil)
            default: throw reply.error
            }
        }
    }

    /// Returns an arm that sends `bytes` on this channel.
    public func sending<Output>(
        _ bytes: [UInt8], _ action: @escaping () async throws -> Output
    ) -> HubArm<Output> {
        HubArm(trigger: .operation(.send(name, bytes))) { reply in
            guard case .ok = reply else { throw reply.error }
            return try await action()
        }
    }
}

extension InProcessClient {
    /// Waits until one of several operations on the hub can happen, and performs exactly that one. Each can match the
    /// operations and selects of remote clients.
    ///
    /// ```swift
    /// let line = try await client.select {
    ///     jobs.receiving { "a job of \($0?.count ?? 0) bytes" }
    ///     results.sending([42]) { "sent" }
    ///     after(.seconds(1)) { "nothing for a second" }
    /// }
    /// ```
    ///
    /// - Throws: the errors of the taken arm's action; `.poisoned`; `.closed`, if the channel of a send arm is closed;
    ///   `.cancelled`, if no arm was taken; `.inDoubt`, if a receiver held the message of an arm under a lease when the
    ///   task was cancelled.
    public func select<Output>(
        order: SelectOrder = .fair,
        @ArmListBuilder<HubArm<Output>> _ arms: () -> [HubArm<Output>]
    ) async throws -> Output {
        let arms = arms()
        let plan = SelectPlan(arms.map(\.trigger), order: order)
        let reply = await perform(.select(plan.command), .select)
        guard let taken = plan.taken(by: reply) else { throw reply.error }
        return try await arms[taken].finish(reply)
    }
}
