public import SluiceRuntime
import SluiceWire

/// One alternative of a select among the channels of a server, with the action for when it is taken.
public struct RemoteArm<Output> {
    let trigger: ArmTrigger
    let finish: (Reply, _ connection: Int) async throws -> Output
}

/// An arm that is taken when no other one was for `duration`.
public func after<Output>(
    _ duration: Duration, _ action: @escaping () async throws -> Output
) -> RemoteArm<Output> {
    RemoteArm(trigger: .timeout(duration)) { _, _ in try await action() }
}

/// An arm that is taken when no other one can be completed now; see `SELECT` of the protocol.
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> RemoteArm<Output> {
    RemoteArm(trigger: .otherwise) { _, _ in try await action() }
}

extension RemoteChannel {
    /// An arm that receives from this channel; `action` gets the message, or nil when the channel is closed.
    public func receiving<Output>(_ action: @escaping (Message?) async throws -> Output) -> RemoteArm<Output> {
        RemoteArm(trigger: .operation(.receive(channelName))) { reply, _ in
            switch reply {
            case .message(_, let bytes, let attributes): try await action(Message(bytes, attributes))
            case .closed: try await action(nil)
            default: throw reply.error()
            }
        }
    }

    /// An arm that receives from this channel under a lease, as `receive(lease:)` does; `action` gets the delivery, or
    /// nil when the channel is closed and empty.
    ///
    /// - Parameters:
    ///   - lease: how long the message may be held before it is acknowledged or the lease is renewed; at least 1 ms.
    ///   - action: what to do with the delivery.
    public func receiving<Output>(
        lease: Duration, _ action: @escaping (LeasedDelivery?) async throws -> Output
    ) -> RemoteArm<Output> {
        let lease = Swift.max(lease, .milliseconds(1))
        return RemoteArm(trigger: .operation(.receive(channelName, lease: lease))) { [client] reply, connection in
            switch reply {
            case .message(_, let bytes, let attributes):
                try await action(LeasedDelivery(bytes, attributes, over: connection, of: client, lease: lease))
            case .closed: try await action(nil)
            default: throw reply.error()
            }
        }
    }

    /// An arm that sends bytes on this channel.
    public func sending<Output>(
        _ bytes: [UInt8], _ action: @escaping () async throws -> Output
    ) -> RemoteArm<Output> {
        RemoteArm(trigger: .operation(.send(channelName, bytes))) { reply, _ in
            guard case .ok = reply else { throw reply.error() }
            return try await action()
        }
    }

    /// An arm that sends a text on this channel.
    public func sending<Output>(
        _ text: String, _ action: @escaping () async throws -> Output
    ) -> RemoteArm<Output> {
        sending(Array(text.utf8), action)
    }
}

extension Client {
    /// An arm that is taken when all parties are at a barrier.
    ///
    /// - Parameters:
    ///   - name: the name of the barrier, by the rules for channels.
    ///   - parties: how many parties meet; nil accepts the number of the others.
    ///   - action: what to do then.
    /// - Throws: `.misuse` when `name` is not a name.
    public func meeting<Output>(
        at name: String, parties: Int? = nil, _ action: @escaping () async throws -> Output
    ) throws(SluiceError) -> RemoteArm<Output> {
        RemoteArm(trigger: .operation(.barrier(try ChannelName(checking: name), parties: parties))) { reply, _ in
            guard case .ok = reply else { throw reply.error() }
            return try await action()
        }
    }

    /// Waits until one of several operations on channels of the server can happen, and does exactly that one.
    ///
    /// ```swift
    /// let line = try await client.select {
    ///     jobs.receiving { "a job: \($0?.text ?? "no more")" }
    ///     results.sending("done") { "sent" }
    ///     after(.seconds(1)) { "nothing for a second" }
    /// }
    /// ```
    ///
    /// - Throws: what the action of the taken arm throws; `.poisoned`, and `.closed` for the channel of a send arm;
    ///   `.cancelled`, then no arm was taken; `.inDoubt` when a receiver held the message of an arm at that moment, or
    ///   when the connection was lost and there is a send or barrier arm; refusals of the server.
    public func select<Output>(
        order: SelectOrder = .fair,
        @ArmListBuilder<RemoteArm<Output>> _ arms: () throws -> [RemoteArm<Output>]
    ) async throws -> Output {
        let arms = try arms()
        let plan = SelectPlan(arms.map(\.trigger), order: order)
        guard !plan.command.arms.isEmpty else {
            throw SluiceError(.misuse, "a select needs an arm with a channel or a barrier")
        }
        let (reply, connection) = try await reply(toSelect: plan.command)
        guard let taken = plan.taken(by: reply) else { throw reply.error() }
        return try await arms[taken].finish(reply, connection)
    }

    /// The time may also run out in the client, when there is no connection.
    private func reply(toSelect command: SelectCommand) async throws(SluiceError) -> (Reply, connection: Int) {
        switch await attempt(.select(command)) {
        case .reply(let reply, let connection): return (reply, connection)
        case .failed(let error) where error.code == .timedOut: return (.timeout, connection: 0)
        case .failed(let error): throw error
        }
    }
}
