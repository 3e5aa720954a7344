/// The server's answer to a command.
///
/// Reasons are texts for people and may hold any characters. The encoder sanitizes them to fit in one line.
package enum Reply: Sendable, Hashable {
    /// The command has been done.
    case ok(Attributes)
    /// A message from a channel.
    case message(ChannelName, Body, Attributes)
    /// Bytes that are not a message: those of a `PING`, or an answer with several lines.
    case data(Body, Attributes = Attributes())
    /// The timeout has passed, and the command certainly had no effect.
    case timeout
    /// The timeout of a send has passed, it certainly had no effect, and nobody receives from the channel. Sent only to
    /// clients that understand ``Feature/receivers``.
    case timeoutWithoutReceivers
    /// The channel has ended, with an optional reason. The reply to a select names the arm.
    case closed(ChannelName, String?, arm: Int32? = nil)
    /// The channel was poisoned, with an optional reason. The reply to a select names the arm.
    case poisoned(ChannelName, String?, arm: Int32? = nil)
    /// A receiver or the channel's failure policy has rejected the message, with an optional reason. The
    /// reply to a select names the arm.
    case rejected(ChannelName, String?, arm: Int32? = nil)
    /// The command was withdrawn and certainly had no effect, with an optional reason.
    case cancelled(String?)
    /// It is uncertain whether the command had an effect, with a reason.
    case maybe(String)
    /// A select took its `else` arm.
    case otherwise(Attributes)
    /// A counted receive is complete.
    case end
    /// The command was refused.
    case error(WireError)

    /// Returns the answer to a `PING`: `OK` without a text, otherwise `DATA` with the same bytes.
    package static func pong(_ body: Body) -> Reply {
        body.isEmpty ? .ok(Attributes()) : .data(body)
    }
}
