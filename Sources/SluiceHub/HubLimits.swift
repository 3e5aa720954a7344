public import SluiceRuntime
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

    /// The most connections of one address: an IPv4 address, or the first half of an IPv6 address, which is what one
    /// network has. Past it, as above. Unix-domain sockets have no address.
    public var maxConnectionsPerAddress: Int

    /// The most connections that have authenticated themselves as the same principal. The next one is told `ERR limit` and
    /// closed.
    public var maxConnectionsPerPrincipal: Int

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

    /// How long a client may take to authenticate itself, where that is asked for. Then it is closed.
    public var authenticationTimeout: Duration

    /// How many bytes it may send until then. Past it, it is closed.
    public var authenticationBytes: Int

    /// How many commands it may send until then, besides `AUTH` and `QUIT`. Past it, it is closed.
    public var authenticationCommands: Int

    /// How long a client may take none of the replies that wait for it. Then it is closed.
    public var stallTimeout: Duration

    /// How long the host of a client may answer nothing at all, and how long it may have no room for what the kernel has for
    /// it; in whole seconds, from 1 to 65 534. Then the connection is broken off. Nil leaves that to the kernel, which
    /// never notices that the host of one who only waits has lost its power or its network.
    ///
    /// It is the kernel who sees to this, on TCP connections of listeners with `listenerOptions`.
    public var silenceTimeout: Duration?

    /// How often to look whether a client is there still that is not read from, because it has sent too much in advance.
    public var probeInterval: Duration

    /// How long a connection that the hub ends is kept for the client to read the last reply and close its side.
    public var lingerTimeout: Duration

    /// How many bytes of messages one connection may wait to send. Past it: `ERR limit`.
    public var parkedBytes: Int

    /// How many bytes of messages the buffers of all channels keep together. Past it: `ERR limit`.
    public var keptBytes: Int

    /// How many messages one connection may hold under a lease, the windows of its counted receives included. Past it:
    /// `ERR limit`.
    public var maxLeases: Int

    /// How many channels may be declared with `OPEN` at a time. Past it: `ERR limit`.
    public var maxDeclaredChannels: Int

    /// How many ends of channels one connection may count as. Past it: `ERR limit`.
    public var maxEnds: Int

    /// How many clients may trace at a time. Past it: `ERR limit`.
    public var maxTracers: Int

    /// How many rows a report has at most; it tells how many it leaves out.
    public var reportRows: Int

    /// How long the name of a channel that has ended says so. Then it is free.
    public var tombstoneLife: Duration

    /// How many such names are kept: the oldest ones are freed before their time.
    public var maxTombstones: Int

    /// How long a delivered message with an id is remembered, so that it is not delivered again.
    public var sendMemoryLife: Duration

    /// How many of them are remembered: the oldest ones are forgotten before their time.
    public var maxRememberedSends: Int

    /// How long a hub that drains waits for what receivers say of the messages that they hold, where nothing else is said.
    public var drainTimeout: Duration

    /// The defaults, of which any may be replaced.
    public init(
        wire: Limits = Limits(),
        maxConnections: Int = 10_000,
        maxConnectionsPerAddress: Int = .max,
        maxConnectionsPerPrincipal: Int = .max,
        inputBytes: Int = 16 << 10,
        outputBytes: Int = 64 << 10,
        backlogBytes: Int = 64 << 20,
        lineTimeout: Duration = .seconds(10),
        authenticationTimeout: Duration = .seconds(2),
        authenticationBytes: Int = 1024,
        authenticationCommands: Int = 1,
        stallTimeout: Duration = .seconds(10),
        silenceTimeout: Duration? = .seconds(120),
        probeInterval: Duration = .seconds(1),
        lingerTimeout: Duration = .seconds(2),
        parkedBytes: Int = 64 << 20,
        keptBytes: Int = 256 << 20,
        maxLeases: Int = 4096,
        maxDeclaredChannels: Int = 65_536,
        maxEnds: Int = 1024,
        maxTracers: Int = 16,
        reportRows: Int = 1000,
        tombstoneLife: Duration = .seconds(60),
        maxTombstones: Int = 16_384,
        sendMemoryLife: Duration = .seconds(120),
        maxRememberedSends: Int = 65_536,
        drainTimeout: Duration = .seconds(30)
    ) {
        self.wire = wire
        self.maxConnections = maxConnections
        self.maxConnectionsPerAddress = maxConnectionsPerAddress
        self.maxConnectionsPerPrincipal = maxConnectionsPerPrincipal
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.backlogBytes = backlogBytes
        self.lineTimeout = lineTimeout
        self.authenticationTimeout = authenticationTimeout
        self.authenticationBytes = authenticationBytes
        self.authenticationCommands = authenticationCommands
        self.stallTimeout = stallTimeout
        self.silenceTimeout = silenceTimeout
        self.probeInterval = probeInterval
        self.lingerTimeout = lingerTimeout
        self.parkedBytes = parkedBytes
        self.keptBytes = keptBytes
        self.maxLeases = maxLeases
        self.maxDeclaredChannels = maxDeclaredChannels
        self.maxEnds = maxEnds
        self.maxTracers = maxTracers
        self.reportRows = reportRows
        self.tombstoneLife = tombstoneLife
        self.maxTombstones = maxTombstones
        self.sendMemoryLife = sendMemoryLife
        self.maxRememberedSends = maxRememberedSends
        self.drainTimeout = drainTimeout
    }

    /// What a listener for the clients of a hub is to be bound with.
    public var listenerOptions: Listener.Options {
        var options = Listener.Options()
        options.silenceSeconds = silenceTimeout.map { Int(clamping: $0.components.seconds) }
        return options
    }

    /// These limits, with those of `other` that may change while a hub serves. The others are known to clients, or to
    /// connections, from their beginning.
    package func adopting(_ other: HubLimits) -> HubLimits {
        var limits = self
        limits.maxConnections = other.maxConnections
        limits.maxConnectionsPerAddress = other.maxConnectionsPerAddress
        limits.maxConnectionsPerPrincipal = other.maxConnectionsPerPrincipal
        limits.parkedBytes = other.parkedBytes
        limits.keptBytes = other.keptBytes
        limits.maxLeases = other.maxLeases
        limits.maxDeclaredChannels = other.maxDeclaredChannels
        limits.maxEnds = other.maxEnds
        limits.tombstoneLife = other.tombstoneLife
        limits.maxTombstones = other.maxTombstones
        limits.sendMemoryLife = other.sendMemoryLife
        limits.maxRememberedSends = other.maxRememberedSends
        limits.drainTimeout = other.drainTimeout
        return limits
    }

    /// The room that a connection's input needs: a line that is not complete always fits.
    var inputRoom: Int { max(inputBytes, 2 * (wire.maxLineBytes + 2)) }
}
