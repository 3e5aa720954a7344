/// Closes connections by address or principal, the caller's own included (`KILL`).
package struct KillCommand: Sendable, Hashable {
    /// Which connections are closed.
    package enum Target: Sendable, Hashable {
        /// The connections from an address, as `CLIENTS` shows it.
        case client(String)
        /// The connections of a principal.
        case principal(ChannelName)
    }

    package var target: Target
    /// Why, for the clients whose connections are closed. May be any text.
    package var reason: String?

    package init(_ target: Target, reason: String? = nil) {
        self.target = target
        self.reason = reason
    }
}
