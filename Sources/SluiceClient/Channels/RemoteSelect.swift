public import SluiceRuntime
import SluiceWire

/// One alternative of a select among the channels of a server, and what to make of it once it was taken.
public struct RemoteArm<Output> {
    enum Trigger {
        case arm(Arm)
        case timeout(Duration)
        case otherwise
    }

    let trigger: Trigger
    let finish: (Reply, _ connection: Int) async throws -> Output
}

/// An arm that is taken when no other one could be for `duration`.
public func after<Output>(
    _ duration: Duration, _ action: @escaping () async throws -> Output
) -> RemoteArm<Output> {
    RemoteArm(trigger: .timeout(duration)) { _, _ in try await action() }
}

/// An arm that is taken at once when no other one is ready, so that the select never waits.
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> RemoteArm<Output> {
    RemoteArm(trigger: .otherwise) { _, _ in try await action() }
}

extension RemoteChannel {
    /// An arm that receives from this channel; `action` gets the message, or nil when the channel is closed.
    public func receiving<Output>(_ action: @escaping (Message?) async throws -> Output) -> RemoteArm<Output> {
        RemoteArm(trigger: .arm(.receive(channelName))) { reply, _ in
            switch reply {
            case .message(_, let bytes, _): try await action(Message(bytes))
            case .closed: try await action(nil)
            default: throw reply.error()
            }
        }
    }

    /// An arm that receives from this channel and holds the message, as `receive(lease:)` does; `action` gets it, or nil
    /// when the channel is closed and empty.
    public func receiving<Output>(
        lease: Duration, _ action: @escaping (LeasedDelivery?) async throws -> Output
    ) -> RemoteArm<Output> {
        let lease = Swift.max(lease, .milliseconds(1))
        return RemoteArm(trigger: .arm(.receive(channelName, lease: lease))) { [client] reply, connection in
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
        RemoteArm(trigger: .arm(.send(channelName, bytes))) { reply, _ in
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
    /// An arm that is taken when so many have come to a barrier.
    ///
    /// - Parameters:
    ///   - name: what the barrier is called, by the rules for channels.
    ///   - parties: how many; nil leaves that to the others.
    ///   - action: what to do then.
    /// - Throws: `.misuse` when `name` is no name.
    public func meeting<Output>(
        at name: String, parties: Int? = nil, _ action: @escaping () async throws -> Output
    ) throws(SluiceError) -> RemoteArm<Output> {
        RemoteArm(trigger: .arm(.barrier(try ChannelName(checking: name), parties: parties))) { reply, _ in
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
    /// - Throws: what the taken arm's closure throws; `.poisoned`, and `.closed` of a channel that a send arm names;
    ///   `.cancelled`, then no arm was taken; `.inDoubt` when a receiver held the message of an arm at that moment, or the
    ///   connection was lost and an arm sends or meets; refusals of the server.
    public func select<Output>(
        order: SelectOrder = .fair, @RemoteArmBuilder<Output> _ arms: () throws -> [RemoteArm<Output>]
    ) async throws -> Output {
        let arms = try arms()
        let chosen = arms.compactMap { arm -> (Arm, RemoteArm<Output>)? in
            if case .arm(let choice) = arm.trigger { (choice, arm) } else { nil }
        }
        let otherwise = arms.first { if case .otherwise = $0.trigger { true } else { false } }
        let timeouts = arms.compactMap { arm -> (Duration, RemoteArm<Output>)? in
            if case .timeout(let duration) = arm.trigger { (duration, arm) } else { nil }
        }
        let timeout = timeouts.min { $0.0 < $1.0 }
        let command = SelectCommand(
            arms: chosen.map(\.0), hasElse: otherwise != nil, order: order.wire,
            timeout: otherwise == nil ? timeout?.0 : nil)
        guard !chosen.isEmpty else { throw SluiceError(.misuse, "a select needs an arm with a channel or a barrier") }
        let (reply, connection) = try await reply(toSelect: command)
        switch reply {
        case .otherwise:
            if let otherwise { return try await otherwise.finish(reply, connection) }
        case .timeout:
            if let timeout { return try await timeout.1.finish(reply, connection) }
        default:
            if let taken = reply.place(among: chosen.map(\.0)) {
                return try await chosen[taken].1.finish(reply, connection)
            }
        }
        throw reply.error()
    }

    /// The time may run out in the client, for want of a connection.
    private func reply(toSelect command: SelectCommand) async throws(SluiceError) -> (Reply, connection: Int) {
        switch await attempt(.select(command)) {
        case .reply(let reply, let connection): return (reply, connection)
        case .failed(let error) where error.code == .timedOut: return (.timeout, connection: 0)
        case .failed(let error): throw error
        }
    }
}

/// Collects the arms of a select among the channels of a server.
@resultBuilder
public enum RemoteArmBuilder<Output> {
    /// One arm.
    public static func buildExpression(_ arm: RemoteArm<Output>) -> [RemoteArm<Output>] { [arm] }
    /// Arms that are made elsewhere, such as by `map`.
    public static func buildExpression(_ arms: [RemoteArm<Output>]) -> [RemoteArm<Output>] { arms }
    /// Arms in a row.
    public static func buildBlock(_ arms: [RemoteArm<Output>]...) -> [RemoteArm<Output>] { arms.flatMap(\.self) }
    /// Arms behind an `if`.
    public static func buildOptional(_ arms: [RemoteArm<Output>]?) -> [RemoteArm<Output>] { arms ?? [] }
    /// Arms of an `if` or a `switch`.
    public static func buildEither(first arms: [RemoteArm<Output>]) -> [RemoteArm<Output>] { arms }
    /// Arms of an `else` or a `switch`.
    public static func buildEither(second arms: [RemoteArm<Output>]) -> [RemoteArm<Output>] { arms }
    /// Arms from a `for`.
    public static func buildArray(_ arms: [[RemoteArm<Output>]]) -> [RemoteArm<Output>] { arms.flatMap(\.self) }
}

extension SelectOrder {
    fileprivate var wire: SelectCommand.Order {
        switch self {
        case .fair: .fair
        case .first: .first
        case .random: .random
        }
    }
}
