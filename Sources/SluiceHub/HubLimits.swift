public import SluiceRuntime
public import SluiceWire

/// What the clients of a hub may use, with the defaults. Every limit that is not the protocol's own is here.
///
/// A connection uses at most `inputBytes` for input that the hub cannot execute yet, one body of `wire.maxBodyBytes`,
/// and `backlogBytes` for replies. Only messages that the client has asked for can make the replies exceed
/// `outputBytes`.
public struct HubLimits: Sendable, Hashable {
    /// The limits of the protocol itself: lines, bodies, arms and tags.
    public var wire: Limits

    /// The number of connections. Further ones get `ERR limit` and are closed, except for a reserve: an eighth as many
    /// further connections of addresses, users or principals that have few, which means less than a 64th each.
    public var maxConnections: Int

    /// The number of connections of one address: an IPv4 address, or the first half of an IPv6 address, which
    /// identifies a network. Further ones get `ERR limit` and are closed. Unix-domain sockets have no address.
    public var maxConnectionsPerAddress: Int

    /// The number of connections that have authenticated as the same principal. Further ones get `ERR limit` and are
    /// closed.
    public var maxConnectionsPerPrincipal: Int

    /// The bytes of one connection's input that the hub reads in a turn of the loop, and that it keeps behind a parked
    /// command. A client that sends more is slowed down by TCP. At least two lines fit, even if this is less.
    public var inputBytes: Int

    /// The bytes of unread replies at which the hub stops reading the client's commands.
    public var outputBytes: Int

    /// The bytes of unread replies at which the hub closes the connection. Only messages for many tagged receives at
    /// once can add up to so much.
    public var backlogBytes: Int

    /// The time in which a client must finish a line from its first byte, and send each piece of a body. After it, the
    /// client gets `ERR limit` and the connection is closed.
    public var lineTimeout: Duration

    /// The time in which a client must authenticate, if the hub requires it. After it, the connection is closed.
    public var authenticationTimeout: Duration

    /// The bytes that a client may send before it has authenticated. Beyond them, the connection is closed.
    public var authenticationBytes: Int

    /// The commands that a client may send before it has authenticated, besides `AUTH` and `QUIT`. Beyond them, the
    /// connection is closed.
    public var authenticationCommands: Int

    /// The time for which a client may read none of its pending replies. After it, the connection is closed.
    public var stallTimeout: Duration

    /// The time for which a client's host may be silent or accept no output, in whole seconds from 1 to 65 534. After
    /// it, the connection is closed. Nil leaves this to the kernel's defaults, with which the hub never notices that
    /// the host of a client that only waits has lost its power or its network.
    ///
    /// The kernel enforces this, on TCP connections of listeners with `listenerOptions`.
    public var silenceTimeout: Duration?

    /// The time between two checks whether a client whose input is not read at present is still connected.
    public var probeInterval: Duration

    /// The time that a client has to read the last reply and close its side when the hub ends the connection.
    public var lingerTimeout: Duration

    /// The bytes of memory that all clients may make the hub use. Beyond them: `ERR limit`. An eighth of it is for
    /// connections that use at most `guaranteedMemory`.
    public var memory: Int

    /// The bytes of memory that the connections of one principal, or of one address, may use together. An eighth of it
    /// is for connections that use at most `guaranteedMemory`. Nil stands for half of `memory`.
    public var memoryPerHolder: Int?

    /// The bytes of memory that one connection may use. Nil stands for an eighth of `memory`.
    public var memoryPerConnection: Int?

    /// The bytes of memory up to which a connection may use the reserves.
    public var guaranteedMemory: Int

    /// The bytes of messages that one connection may wait to send. Beyond them: `ERR limit`.
    public var parkedBytes: Int

    /// The bytes of messages that the buffers of all channels may keep together. Beyond them: `ERR limit`.
    public var keptBytes: Int

    /// The messages that one connection may hold under a lease, including the windows of its counted receives. Beyond
    /// them: `ERR limit`.
    public var maxLeases: Int

    /// The channels that one connection may declare with `OPEN`. Beyond them: `ERR limit`. If the connections of one
    /// principal or address have declared more, `OPEN` removes unused channels whose connection has ended.
    public var maxDeclaredChannels: Int

    /// The ends of channels that one connection may have joined. Beyond them: `ERR limit`.
    public var maxEnds: Int

    /// The number of concurrent traces of one connection. The connections of one principal or address may have twice
    /// this number together, and all clients four times this number. Beyond that, this many principals or addresses
    /// without a trace may have one each. Otherwise: `ERR limit`.
    public var maxTracers: Int

    /// The most rows of a report, which also says how many it omits.
    public var reportRows: Int

    /// The time for which the name of an ended channel answers that it has ended. After it, the name is free.
    public var tombstoneLife: Duration

    /// The most names of ended channels that are kept, besides those that are guaranteed: a 1024th of this number for
    /// each principal or address, and a 4096th for each connection. Beyond it, the oldest names of the client with the
    /// most are freed early.
    public var maxTombstones: Int

    /// The time for which a delivered message with an id is remembered, so that it is not delivered again.
    public var sendMemoryLife: Duration

    /// The most delivered messages that are remembered, besides those that are guaranteed: a 1024th of this number for
    /// each principal or address, and a 4096th for each connection. Beyond it, the oldest messages of the client with
    /// the most are forgotten early.
    public var maxRememberedSends: Int

    /// The time for which a draining hub waits for receivers to end their leases, unless another time is given.
    public var drainTimeout: Duration

    /// The steps of work that a connection gets in a turn of the loop, and that the hub gets for the work that earlier
    /// decisions have left; see `Budget`.
    package var turnSteps = 500

    /// Creates limits from the defaults, any of which can be replaced.
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
        memory: Int = 1 << 30,
        memoryPerHolder: Int? = nil,
        memoryPerConnection: Int? = nil,
        guaranteedMemory: Int = 64 << 10,
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
        self.memory = memory
        self.memoryPerHolder = memoryPerHolder
        self.memoryPerConnection = memoryPerConnection
        self.guaranteedMemory = guaranteedMemory
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

    /// The options with which to bind a listener for the hub's clients.
    public var listenerOptions: Listener.Options {
        var options = Listener.Options()
        options.silenceSeconds = silenceTimeout.map { Int(clamping: $0.components.seconds) }
        options.receiveBufferBytes = Self.kernelBufferBytes
        options.sendBufferBytes = Self.kernelBufferBytes
        options.unsentBytes = Self.unsentBytes
        return options
    }

    /// The bytes of unread input, and of unread output, that the kernel keeps for a TCP connection. By default it keeps
    /// up to 32 MB of input and 4 MB of output. A thousand connections that send without pause, or never read, would
    /// then use up the memory that the machine has for TCP, and the kernel would drop the packets of other connections,
    /// which are sent again only after 200 ms.
    private static let kernelBufferBytes = 256 << 10
    /// The bytes of output that the kernel takes beyond the client's receive window. With this limit, the kernel used
    /// 211 MB for 9 000 clients that read nothing of a message of 400 KB. Without it, it used 2.3 GB, which is all that
    /// the machine has for TCP.
    private static let unsentBytes = 16 << 10

    /// Returns these limits, with those from `other` that may change while a hub serves. The rest are known to clients
    /// or used by connections from the start.
    package func adopting(_ other: HubLimits) -> HubLimits {
        var limits = self
        limits.maxConnections = other.maxConnections
        limits.maxConnectionsPerAddress = other.maxConnectionsPerAddress
        limits.maxConnectionsPerPrincipal = other.maxConnectionsPerPrincipal
        limits.memory = other.memory
        limits.memoryPerHolder = other.memoryPerHolder
        limits.memoryPerConnection = other.memoryPerConnection
        limits.guaranteedMemory = other.guaranteedMemory
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

    /// The most connections of one address that wait to be admitted. Further ones are turned away.
    package static let acceptedAhead = 4096

    /// The connections beyond `maxConnections` that are for holders with few connections.
    var reservedConnections: Int { max(1, maxConnections / 8) }

    /// A holder with fewer connections than this may use the reserve.
    var fewConnections: Int { max(1, maxConnections / 64) }

    /// The last bytes of `keptBytes`, for clients of which channels keep at most `guaranteedMemory`. 0 if `keptBytes`
    /// is small, so that the reserve would suffice for a few clients only.
    var keptReserve: Int { keptBytes >= 256 * guaranteedMemory ? keptBytes / 8 : 0 }

    /// The bounds of the account of memory.
    var memoryBounds: MemoryBounds {
        MemoryBounds(
            whole: memory, holder: min(memoryPerHolder ?? memory / 2, memory),
            connection: min(memoryPerConnection ?? memory / 8, memory), guaranteed: guaranteedMemory)
    }

    /// The capacity for a connection's input. An incomplete line always fits.
    var inputCapacity: Int { max(inputBytes, 2 * (wire.maxLineBytes + 2)) }
}
