extension SocketAddress {
    /// The threads of `lookUp`. Not those of `offload`, so that a name server that does not answer holds up only other
    /// lookups.
    private static let resolvers = BlockingPool(limit: 8, name: "resolver")

    /// Returns all addresses that the text stands for, as `resolve` does, without blocking the reactor.
    ///
    /// A host name is looked up by the system's resolver, which knows `/etc/hosts` and what else the machine is set up
    /// for, on a thread of its own. Nothing is cached.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits as long as the system's resolver does.
    /// - Throws: `.address`, with a message that says what is wrong; `.timedOut`, `.cancelled`.
    public static func lookUp(_ text: String, timeout: Duration? = nil) async throws(SluiceError) -> [SocketAddress] {
        if let address = try numeric(text) { return [address] }
        do {
            return try await offload(to: resolvers, timeout: timeout) { try resolve(text) }
        } catch let error as SluiceError {
            guard error.code == .timedOut else { throw error }
            throw SluiceError(.timedOut, "the lookup of '\(text)' takes too long")
        } catch {
            throw SluiceError(.address, "cannot look up '\(text)': \(error)")
        }
    }
}
