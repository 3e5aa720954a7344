/// The protocol's limits on what a peer may send, with their defaults.
///
/// The parsers enforce the limits, `HELLO` announces them, `HELP` prints them, and error texts quote them. No other
/// code repeats one of these numbers. All are positive, and `maxLineBytes` is at most 1 GiB.
public struct Limits: Sendable, Hashable {
    /// The longest line, without its line end and the bodies that follow it. Beyond it: `ERR too-long`.
    public var maxLineBytes: Int

    /// The longest body of a command. The bodies of one `SELECT` share this limit. Beyond it: `ERR too-big`.
    public var maxBodyBytes: Int

    /// The most bytes of bodies that the server skips after a refused line to keep the connection usable. If a refused
    /// line announces more, the connection ends with `ERR framing` instead of waiting for a terabyte because of a typo.
    public var maxDiscardBytes: Int

    /// The most arms of a `SELECT`, its `else` included. Beyond it: `ERR limit`.
    public var maxSelectArms: Int

    /// The most pending tagged commands of one connection. Beyond it: `ERR limit`.
    public var maxPendingTags: Int

    /// The most messages of a counted receive that may be unacknowledged (`window=`). Beyond it: `ERR limit`.
    public var maxWindow: Int

    /// The most messages that a channel may be declared to keep (`cap=`). Beyond it: `ERR limit`.
    public var maxCapacity: Int

    /// The longest name of a channel.
    public static let maxNameBytes = 200

    /// The longest tag, without its `#`.
    public static let maxTagBytes = 32

    /// The longest `id` of a message.
    public static let maxMessageIDBytes = 64

    /// The longest trace context of a message.
    public static let maxTraceBytes = 128

    /// The longest reason or error text in a reply. Longer texts are cut.
    public static let maxReasonBytes = 256

    /// The longest duration, a hundred years. With this limit a deadline in nanoseconds cannot overflow 64 bits.
    public static let maxDuration = Duration.seconds(100 * 365 * 24 * 3600)

    /// Creates the default limits; each argument replaces one of them.
    public init(
        maxLineBytes: Int = 8192,
        maxBodyBytes: Int = 1 << 20,
        maxDiscardBytes: Int = 64 << 20,
        maxSelectArms: Int = 64,
        maxPendingTags: Int = 1024,
        maxWindow: Int = 1024,
        maxCapacity: Int = 65_536
    ) {
        self.maxLineBytes = maxLineBytes
        self.maxBodyBytes = maxBodyBytes
        self.maxDiscardBytes = maxDiscardBytes
        self.maxSelectArms = maxSelectArms
        self.maxPendingTags = maxPendingTags
        self.maxWindow = maxWindow
        self.maxCapacity = maxCapacity
    }
}
