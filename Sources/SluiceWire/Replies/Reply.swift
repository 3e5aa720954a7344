/// What the server answers.
///
/// Texts (reasons) are for people: they may hold anything, and are made fit for one line when the reply is encoded.
package enum Reply: Sendable, Hashable {
    /// Done.
    case ok(Attributes)
    /// A message, from a channel.
    case message(ChannelName, Body, Attributes)
    /// Bytes that are no message: a `PING`'s, or an answer of several lines.
    case data(Body)
    /// The time ran out, and it provably did not happen.
    case timeout
    /// The channel has ended; with a reason, or nil.
    case closed(ChannelName, String?)
    /// The channel was poisoned; with a reason, or nil.
    case poisoned(ChannelName, String?)
    /// Withdrawn, and it provably did not happen; with a reason, or nil.
    case cancelled(String?)
    /// In doubt; with a reason.
    case maybe(String)
    /// A select's `else` arm was taken.
    case otherwise(Attributes)
    /// A counted receive is complete.
    case end
    /// Refused.
    case error(WireError)

    /// The answer to `PING`: `OK` to a bare one, else its bytes as `DATA`.
    package static func pong(_ body: Body) -> Reply {
        body.isEmpty ? .ok([]) : .data(body)
    }
}
