/// Every bound that the protocol puts on what a peer may send, with its default.
///
/// The parsers enforce them, `HELLO` announces them, `HELP` prints them, and error texts quote them: nothing else in
/// the project repeats one of these numbers. All are positive; a line may be set to a gibibyte at most.
public struct Limits: Sendable, Hashable {
    /// The longest line, without its line end and without the bodies that follow it. Past it: `ERR too-long`.
    public var maxLineBytes: Int

    /// The longest body of a command. The bodies of one `SELECT` share this bound. Past it: `ERR too-big`.
    public var maxBodyBytes: Int

    /// The most bytes of refused bodies that are skipped after one line so that the connection can go on. A line that
    /// announces more ends it with `ERR framing`: nobody waits for the rest of a terabyte to learn of a typo.
    public var maxDiscardBytes: Int

    /// The most arms of a `SELECT`, its `else` included. Past it: `ERR limit`.
    public var maxSelectArms: Int

    /// The most tagged commands of one connection that may await their final reply. Past it: `ERR limit`.
    public var maxPendingTags: Int

    /// The most messages of a counted receive that may be unacknowledged (`window=`). Past it: `ERR limit`.
    public var maxWindow: Int

    /// The most messages that a channel may be declared to keep (`cap=`). Past it: `ERR limit`.
    public var maxCapacity: Int

    /// The longest name of a channel.
    public static let maxNameBytes = 200

    /// The longest tag, without its `#`.
    public static let maxTagBytes = 32

    /// The longest `id` of a message.
    public static let maxMessageIDBytes = 64

    /// The longest reason or error text in a reply; a longer one is cut.
    public static let maxReasonBytes = 256

    /// The longest duration, a hundred years: a deadline in nanoseconds then stays clear of overflow in 64 bits.
    public static let maxDuration = Duration.seconds(100 * 365 * 24 * 3600)

    /// The defaults, of which any may be replaced.
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
