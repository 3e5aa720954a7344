public import SluiceRuntime

/// What becomes of a client's connection.
public enum ConnectionState: Sendable, Hashable {
    /// There is none yet, or not any more: operations wait for one, up to their timeouts.
    ///
    /// - Parameter cause: why the last connection, or the last attempt, failed; nil before there was one.
    case connecting(after: SluiceError?)
    /// The server has let the client in.
    case connected(ServerGreeting)
    /// There will be none: the client was closed, or the server does not want it.
    case ended(SluiceError)
}
