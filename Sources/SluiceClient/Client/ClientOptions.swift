public import SluiceRuntime

/// How a client connects.
public struct ClientOptions: Sendable, Hashable {
    /// The credentials of the client; nil for a server without users.
    public var credentials: ClientCredentials?
    /// The client's label in the server's reports: a name, by the rules for channels.
    public var label: String?
    /// How long a connection attempt and the server's greeting may take.
    public var connectTimeout: Duration = .seconds(10)
    /// How long to wait before a lost connection is tried again; nil never tries, and the client ends with its first
    /// connection.
    public var reconnect: Backoff? = Backoff()
    /// How long the server may be silent before the client sends it a `PING`. Nil sends none as long as nothing has to be
    /// answered.
    public var keepAlive: Duration? = .seconds(10)
    /// How long the server may be silent while it owes an answer: to a `PING`, to a command that never waits, or to one
    /// whose time has run out. Then the connection counts as lost, as that of a server that is frozen or gone. It may take
    /// a quarter longer.
    public var answerTimeout: Duration = .seconds(3)

    /// The authorities that the client trusts, and its certificate. With this, the client uses TLS for every address. If
    /// nil, it uses TLS only for an address with `sluices://`, trusts the system's authorities, and has no certificate.
    public var tls: TLSClientContext.Options?

    /// Creates the default options.
    public init() {}
}

/// The name of a client, and its proof.
public struct ClientCredentials: Sendable, Hashable {
    /// The principal that the server knows: a name, by the rules for channels.
    public var principal: String
    /// The secret: visible bytes, without spaces.
    public var token: String

    /// Creates credentials.
    public init(principal: String, token: String) {
        self.principal = principal
        self.token = token
    }
}

/// The wait before a lost connection is tried again: random, up to a bound that doubles with each failure. A thousand
/// clients of a restarted server then do not come back all at once.
///
/// This is the "full jitter" of Marc Brooker, "Exponential Backoff and Jitter" (2015).
public struct Backoff: Sendable, Hashable {
    /// The bound of the first wait.
    public var initial: Duration
    /// The bound of every wait.
    public var longest: Duration

    /// Creates a backoff that begins with at most 50 ms and ends with at most 5 s.
    public init(initial: Duration = .milliseconds(50), longest: Duration = .seconds(5)) {
        self.initial = initial
        self.longest = longest
    }

    /// Returns the bound of the wait after this many failures in a row, from 0.
    func bound(afterFailures failures: Int) -> Duration {
        min(initial * (1 << min(failures, 20)), longest)
    }

    func delay(afterFailures failures: Int) -> Duration {
        bound(afterFailures: failures) * Double.random(in: 0...1)
    }
}
