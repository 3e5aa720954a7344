/// How a client connects.
public struct ClientOptions: Sendable, Hashable {
    /// Who the client says it is; nil for a server without users.
    public var credentials: ClientCredentials?
    /// What the server calls the client in its reports: a name as that of a channel.
    public var label: String?
    /// How long to wait for the server to take a connection and to greet.
    public var connectTimeout: Duration = .seconds(10)
    /// When to try again after a connection was lost; nil never does, and the client ends with its first connection.
    public var reconnect: Backoff? = Backoff()
    /// How long the server may say nothing before it is asked for a sign of life. Without one for the same time again,
    /// the connection counts as lost.
    public var keepAlive: Duration = .seconds(10)

    /// The defaults.
    public init() {}
}

/// Who a client says it is, and what proves it.
public struct ClientCredentials: Sendable, Hashable {
    /// The name that the server knows, as that of a channel.
    public var principal: String
    /// The secret: visible bytes without a space.
    public var token: String

    /// Names somebody.
    public init(principal: String, token: String) {
        self.principal = principal
        self.token = token
    }
}
