package import SluiceRuntime
package import SluiceWire

/// Serves the clients of a listener that speak a protocol other than the line protocol.
package protocol Door: Sendable {
    /// Begins to serve a client. Called on the thread of the client's reactor.
    func begin(_ client: WireClient, over socket: consuming DetachedSocket)

    /// Returns the bytes that a client gets when a limit turns it away.
    func reply(to refusal: WireError) -> [UInt8]

    /// The reply to a client that does not use TLS, from a listener with TLS.
    var replyToPlainText: String { get }
}
