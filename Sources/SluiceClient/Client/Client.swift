public import SluiceRuntime
import SluiceWire

/// A connection to a Sluice server. Any number of tasks may use it at the same time, and each waits only for its own
/// operations.
///
/// ```swift
/// let client = try await Client.connect("127.0.0.1:7333")
/// try await client.channel("jobs").send("sweep the yard")
/// await client.close()
/// ```
///
/// The client replaces a lost connection by itself, and reports that in ``SluiceClient/Client/states``. The operations that
/// were pending then:
///
/// - receives, and selects that only receive, wait on over the next connection;
/// - a send with an id is repeated under that id, so that it arrives once; a send without one throws `.inDoubt`;
/// - barriers, and selects with a send or barrier arm, throw `.inDoubt`;
/// - messages that were held under a lease have gone back: using them throws `.stale`.
///
/// An operation that begins while there is no connection waits for the next one, for no longer than its timeout. One with a
/// timeout of zero throws `.disconnected`, and so does leaving a channel: the end was lost with the connection.
///
/// At a server that is about to stop, receives, selects that only receive, `open`, joins and traces wait for the next
/// server. A send throws `.draining`, and has not happened.
///
/// Cancelling a task withdraws its operation at the server, and waits for the server's answer. So `.cancelled` means that
/// nothing happened, and a message that arrived first is returned in spite of the cancellation.
public final class Client: Sendable {
    let link: Link

    private init(_ link: Link) {
        self.link = link
    }

    deinit { link.close() }

    // MARK: Connecting

    /// Connects to a server: `127.0.0.1:7333`, `[::1]:7333`, `localhost:7333` or `unix:/path`; `tcp://` or `sluice://` may
    /// stand before a host, and `sluices://` for TLS. Of the addresses of a name, the first one that accepts a connection is
    /// taken.
    ///
    /// - Throws: `.system` when nothing listens there; `.address`; `.timedOut`; `.tls` when the server does not speak TLS, or
    ///   its certificate is not valid for the host; `.authRequired` when the server requires credentials and the options have
    ///   none; `.denied` when they are wrong, or the server has no users; `.limit` when the server accepts no more connections
    ///   (with TLS, it closes the connection instead: `.system`); `.cancelled`; `.misuse` when an option is not valid, and
    ///   when the peer is not a Sluice server of this version.
    public static func connect(
        _ address: String, options: ClientOptions = ClientOptions()
    ) async throws(SluiceError) -> Client {
        try await connect(address, options: options, on: ClientReactor.shared)
    }

    /// - Parameter reactor: the reactor on whose thread the connection lives.
    package static func connect(
        _ address: String, options: ClientOptions, on reactor: Reactor
    ) async throws(SluiceError) -> Client {
        let client = Client(try Link(to: address, options, on: reactor))
        if let error = await client.link.open() { throw error }
        return client
    }

    /// Withdraws the pending operations, and closes the connection in good order: the client leaves the channels that it has
    /// joined. Returns once the connection is closed, after at most two seconds, also in a cancelled task.
    ///
    /// A client is also closed when the last reference to it is gone.
    public func close() async {
        link.close()
        await link.board.waitForEnd()
    }

    // MARK: The connection

    /// The thread on which the connections of this process live. Tasks that do little else than talk to servers are fastest
    /// there, because a reply then wakes no other thread:
    ///
    /// ```swift
    /// try await withTaskExecutorPreference(Client.executor) { … }
    /// ```
    ///
    /// Code that blocks this thread, or computes for long, delays every client.
    ///
    /// - Throws: `.system` when the thread cannot be started.
    public static var executor: any TaskExecutor {
        get throws(SluiceError) { try ClientReactor.shared }
    }

    /// The state of the connection.
    public var state: ConnectionState { link.board.state }

    /// The state of the connection, and then each change of it, until the client ends.
    public var states: AsyncStream<ConnectionState> { link.board.states() }

    /// Sets the client's label in the server's reports.
    ///
    /// - Parameters:
    ///   - label: the label, by the rules for channel names.
    ///   - waitsForAll: whether the program waits for nothing but the client's pending operations. The server can then
    ///     prove that the client is stuck (`STUCK`).
    /// - Throws: `.misuse` when it is not a name; `.disconnected`.
    public func setLabel(_ label: String, waitsForAll: Bool = false) async throws(SluiceError) {
        try await request(.name(try ChannelName(checking: label), waitsForAll: waitsForAll))
    }

    /// Sends the server a `PING`, and returns how long the answer took.
    public func ping() async throws(SluiceError) -> Duration {
        let start = ContinuousClock.now
        try await request(.ping([]))
        return ContinuousClock.now - start
    }

    // MARK: Meeting

    /// Returns the channel of that name. A channel exists from its first use.
    ///
    /// - Throws: `.misuse` when `name` is not 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, or begins with `-`.
    public func channel(_ name: String) throws(SluiceError) -> RemoteChannel {
        RemoteChannel(try ChannelName(checking: name), of: self)
    }

    /// Waits at a barrier until all parties are there. Then all go on together.
    ///
    /// - Parameters:
    ///   - name: the name of the barrier, by the rules for channels.
    ///   - parties: how many parties meet, including this one; at least 1.
    ///   - timeout: how long to wait; zero tries once, nil waits for ever.
    /// - Throws: `.timedOut`, `.cancelled`: the barrier did not open for this party. `.inDoubt` when the connection was
    ///   lost; `.conflict` when the parties that wait there expect another number.
    public func barrier(_ name: String, parties: Int, timeout: Duration? = nil) async throws(SluiceError) {
        guard parties > 0 else { throw SluiceError(.misuse, "parties must be at least 1") }
        let command = BarrierCommand(try ChannelName(checking: name), parties: parties, timeout: timeout)
        try await request(.barrier(command))
    }
}

/// Connects to a server, runs `body`, and closes the connection in good order, whether `body` returns or throws.
///
/// ```swift
/// try await withClient("127.0.0.1:7333") { client in
///     try await client.channel("jobs").send("sweep the yard")
/// }
/// ```
///
/// - Throws: as ``SluiceClient/Client/connect(_:options:)``; what `body` throws.
public func withClient<Result>(
    _ address: String, options: ClientOptions = ClientOptions(), _ body: (Client) async throws -> Result
) async throws -> Result {
    let client = try await Client.connect(address, options: options)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}
