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
            toFirstOf: try await AddressLookup.addresses(of: text, within: time), called: text, within: time, tls: tls)
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

/// The lookup of an address. It blocks a thread, for as long as the system's resolver likes, and cannot be cancelled.
private final class AddressLookup: @unchecked Sendable {
    // Sendable: everything that changes belongs to the reactor's thread.

    private let gate: Gate
    private var result: Result<[SocketAddress], SluiceError>?

    private init(on reactor: Reactor) { gate = Gate("the lookup of an address", on: reactor) }

    static func addresses(of text: String, within time: Duration) async throws(SluiceError) -> [SocketAddress] {
        if let address = try SocketAddress.numeric(text) { return [address] }
        guard let reactor = Reactor.current else {
            throw SluiceError(.misuse, "only a task on a reactor can connect to \(text)")
        }
        let lookup = AddressLookup(on: reactor)
        Task.detached {
            let result = Result { () throws(SluiceError) in try SocketAddress.resolve(text) }
            reactor.post {
                lookup.result = result
                lookup.gate.open()
            }
        }
        do throws(SluiceError) { try await lookup.gate.wait(timeout: time) } catch {
            guard error.code == .timedOut else { throw error }
            throw SluiceError(.timedOut, "the lookup of '\(text)' takes too long")
        }
        guard let result = lookup.result else { throw SluiceError(.address, "'\(text)' has no address") }
        return try result.get()
    }
}
