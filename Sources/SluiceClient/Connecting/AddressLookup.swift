import SluiceRuntime

extension Stream {
    /// Connects to the first of the addresses of `text` that accepts a connection. Call on a reactor.
    ///
    /// - Parameters:
    ///   - text: an address, as `SocketAddress.resolve` takes it. A name is looked up each time, because it may stand for
    ///     another machine by now.
    ///   - time: how long the lookup may take, and how long all attempts together.
    ///   - tls: the authorities that the client trusts, and its certificate; nil without TLS.
    /// - Throws: why the last of the addresses has failed; `.timedOut`; `.address`; `.cancelled`.
    static func connect(
        toAnyOf text: String, within time: Duration, tls: TLSClientContext? = nil
    ) async throws(SluiceError) -> Stream {
        try await connect(
            toFirstOf: try await SocketAddress.lookUp(text, timeout: time), called: text, within: time, tls: tls)
    }

    static func connect(
        toFirstOf candidates: [SocketAddress], called text: String, within time: Duration, tls: TLSClientContext? = nil
    ) async throws(SluiceError) -> Stream {
        var failure = SluiceError(.address, "'\(text)' has no address")
        for candidate in candidates {
            do throws(SluiceError) {
                let timeout = time / candidates.count
                guard let tls else { return try await connect(to: candidate, timeout: timeout) }
                return try await connect(
                    to: candidate, tls: tls, named: try SocketAddress.host(of: text), timeout: timeout)
            } catch {
                guard error.code != .cancelled else { throw error }
                failure = error.code == .timedOut ? SluiceError(.timedOut, "\(text) does not answer") : error
            }
        }
        throw failure
    }
}
