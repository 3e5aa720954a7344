public import SluiceRuntime
import SluiceWire

/// A connection to a Sluice server, for any async program: any number of tasks use it at the same time, each waiting for
/// its own operations only.
///
/// ```swift
/// let client = try await Client.connect("127.0.0.1:7333")
/// try await client.channel("jobs").send("sweep the yard")
/// await client.close()
/// ```
///
/// A lost connection is made anew by itself; ``SluiceClient/Client/states`` tells of it. What then becomes of
/// operations:
///
/// - receives, and selects that only receive, wait on, over the next connection;
/// - a send with an id is repeated under that id, so that it arrives once; one without throws `.inDoubt`;
/// - barriers, and selects with an arm that sends, throw `.inDoubt`;
/// - messages that are held under a lease have gone back: what is done with them throws `.stale`.
///
/// A task that is cancelled has its operation withdrawn at the server, and waits for what that says. So `.cancelled` means
/// that nothing happened, and a message that arrived first is returned in spite of the cancellation.
public final class Client: Sendable {
    let link: Link

    private init(_ link: Link) {
        self.link = link
    }

    deinit { link.close() }

    // MARK: Connecting

    /// Connects to a server: `127.0.0.1:7333`, `[::1]:7333`, `localhost:7333` or `unix:/path`.
    ///
    /// - Throws: `.system` when nobody listens there; `.address`; `.timedOut`; `.denied` and `.authRequired`, according to
    ///   the credentials; `.limit` when the server takes no more connections; `.cancelled`; `.misuse` for names that are
    ///   none, and when the peer is no Sluice server of this version.
    public static func connect(
        _ address: String, options: ClientOptions = ClientOptions()
    ) async throws(SluiceError) -> Client {
        try await connect(address, options: options, on: ClientReactor.shared)
    }

    /// - Parameter reactor: where the connection lives.
    package static func connect(
        _ address: String, options: ClientOptions, on reactor: Reactor
    ) async throws(SluiceError) -> Client {
        let client = Client(try Link(to: address, options, on: reactor))
        if let error = await client.link.open() { throw error }
        return client
    }

    /// Withdraws what is pending, and closes the connection in good order: channels of which this client is an end see it
    /// leave. Returns when it is closed, after two seconds at most, also in a task that is cancelled. A client that nobody refers to any more is closed too.
    public func close() async {
        link.close()
        await link.board.waitForEnd()
    }

    // MARK: The connection

    /// Where the connections of this process live. Tasks that do little but talk to servers are quickest there, because a
    /// reply then wakes no other thread:
    ///
    /// ```swift
    /// try await withTaskExecutorPreference(Client.executor) { … }
    /// ```
    ///
    /// It is one thread: what blocks it, or computes for long, holds up every client.
    ///
    /// - Throws: `.system` when the thread cannot be started.
    public static var executor: any TaskExecutor {
        get throws(SluiceError) { try ClientReactor.shared }
    }

    /// What has become of the connection.
    public var state: ConnectionState { link.board.state }

    /// What becomes of the connection: first what has, then each change, up to the end of the client.
    public var states: AsyncStream<ConnectionState> { link.board.states() }

    /// Calls the connection by another label in the server's reports.
    ///
    /// - Throws: `.misuse` when it is no name; `.disconnected`.
    public func setLabel(_ label: String) async throws(SluiceError) {
        try await request(.name(try ChannelName(checking: label)))
    }

    /// Asks the server for a sign of life, and returns how long that took.
    public func ping() async throws(SluiceError) -> Duration {
        let begin = ContinuousClock.now
        try await request(.ping([]))
        return ContinuousClock.now - begin
    }

    // MARK: Meeting

    /// The channel of that name. It exists from its first use.
    ///
    /// - Throws: `.misuse` when `name` is none: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
    public func channel(_ name: String) throws(SluiceError) -> RemoteChannel {
        RemoteChannel(try ChannelName(checking: name), of: self)
    }

    /// Waits at a barrier until so many have come, this one included; then all go on together.
    ///
    /// - Parameters:
    ///   - name: what the barrier is called, by the rules for channels.
    ///   - parties: how many are to come, at least 1.
    ///   - timeout: how long to wait at most; zero tries once, nil waits for ever.
    /// - Throws: `.timedOut`, `.cancelled`: then it did not open for this one. `.inDoubt` when the connection was lost;
    ///   `.conflict` when those who wait there wait for another number.
    public func barrier(_ name: String, parties: Int, timeout: Duration? = nil) async throws(SluiceError) {
        guard parties > 0 else { throw SluiceError(.misuse, "a barrier is for one at least") }
        let command = BarrierCommand(try ChannelName(checking: name), parties: parties, timeout: timeout)
        try await request(.barrier(command))
    }
}

/// Connects to a server, runs `body`, and closes the connection in good order, however `body` ends.
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

extension ChannelName {
    init(checking name: String) throws(SluiceError) {
        guard let valid = ChannelName(name) else { throw SluiceError(.misuse, ChannelName.rule) }
        self = valid
    }
}
