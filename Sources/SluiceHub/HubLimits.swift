public import SluiceWire

/// What the clients of a hub may use, with the defaults: the one place for every bound that is not the protocol's own.
///
/// A connection uses at most `inputBytes` for what it has sent too early, one body of `wire.maxBodyBytes`, and
/// `backlogBytes` for replies, which it reaches only with messages that it has asked for; see `outputBytes`.
public struct HubLimits: Sendable, Hashable {
    /// What the protocol itself bounds: lines, bodies, arms and tags.
    public var wire: Limits

    /// The most connections at a time. The next one is told `ERR limit` and closed.
    public var maxConnections: Int

    /// How much of one connection's input is read in a turn of the loop, and how much is kept of lines that stand behind
    /// a command that waits; a client that sends more finds that TCP holds it up. At least two lines fit, whatever is
    /// said here.
    public var inputBytes: Int

    /// With this many bytes of replies that the client has not taken yet, no more commands of it are read.
    public var outputBytes: Int

    /// With this many, which only the messages for many tagged receives at once can amount to, it is closed.
    public var backlogBytes: Int

    /// How long a client may take for a line, from its first byte, and for each piece of a body. Then `ERR limit`, and
    /// the connection is closed.
    public var lineTimeout: Duration

    /// How long a client may take none of the replies that wait for it. Then it is closed.
    public var stallTimeout: Duration

    /// How often to look whether a client is there still that is not read from, because it has sent too much in advance.
    public var probeInterval: Duration

    /// How long a connection that the hub ends is kept for the client to read the last reply and close its side.
    public var lingerTimeout: Duration

    /// The defaults, of which any may be replaced.
    public init(
        wire: Limits = Limits(),
        maxConnections: Int = 10_000,
        inputBytes: Int = 16 << 10,
        outputBytes: Int = 64 << 10,
        backlogBytes: Int = 64 << 20,
        lineTimeout: Duration = .seconds(10),
        stallTimeout: Duration = .seconds(10),
        probeInterval: Duration = .seconds(1),
        lingerTimeout: Duration = .seconds(2)
    ) {
        self.wire = wire
        self.maxConnections = maxConnections
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.backlogBytes = backlogBytes
        self.lineTimeout = lineTimeout
        self.stallTimeout = stallTimeout
        self.probeInterval = probeInterval
        self.lingerTimeout = lingerTimeout
    }

    /// The room that a connection's input needs: a line that is not complete always fits.
    var inputRoom: Int { max(inputBytes, 2 * (wire.maxLineBytes + 2)) }
}
