extension Stream {
    /// The time that `connect(toHost:)` gives to an address before it tries the next one as well.
    public static let attemptDelay = Duration.milliseconds(250)

    /// Connects to a host by its name, without blocking the reactor. Call from a task of the reactor that the stream is
    /// to belong to.
    ///
    /// Tries the addresses of the host, IPv6 and IPv4 in turn. An attempt begins when the previous one has failed, or has
    /// taken longer than `attemptDelay`. The first connection is the result, and the other attempts are given up ("happy
    /// eyeballs", RFC 8305). `SocketAddress.lookUp` says how the name is looked up.
    ///
    /// - Parameters:
    ///   - host: a name or an address with a port, such as `example.org:443`; see `SocketAddress.init(_:)`.
    ///   - tls: the authorities that the client trusts, and its certificate, which must be valid for the name; nil
    ///     without TLS.
    ///   - timeout: the longest time for the lookup and all attempts together; nil for no limit.
    /// - Throws: `.address` when the name is not known; `.timedOut`, `.cancelled`; the error of the first address when
    ///   all have failed, with the others' in its message; `.misuse` off the reactors.
    public static func connect(
        toHost host: String, tls: TLSClientContext? = nil, timeout: Duration? = nil
    ) async throws(SluiceError) -> Stream {
        let name = try SocketAddress.host(of: host)
        return try await limited(timeout, to: host) {
            let addresses = try await SocketAddress.lookUp(host)
            return try await connect(toFirstOf: interleaved(addresses), called: host) { address in
                guard let tls else { return try await connect(to: address) }
                return try await connect(to: address, tls: tls, named: name)
            }
        }
    }

    /// Runs `body` for at most `timeout`, with errors of one type.
    private static func limited(
        _ timeout: Duration?, to host: String, _ body: () async throws -> Stream
    ) async throws(SluiceError) -> Stream {
        do {
            guard let timeout else { return try await body() }
            return try await withTimeout(timeout, body)
        } catch let error as SluiceError {
            guard error.code == .timedOut else { throw error }
            throw SluiceError(.timedOut, "\(host) does not answer")
        } catch {
            throw SluiceError(.cancelled, "the connection to \(host) was given up: \(error)")
        }
    }

    /// Returns the addresses with those of IPv6 and IPv4 in turn, beginning with the family of the first one.
    static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        let firsts = addresses.filter { $0.family == first.family }
        let others = addresses.filter { $0.family != first.family }
        var mixed: [SocketAddress] = []
        for place in 0..<max(firsts.count, others.count) {
            if place < firsts.count { mixed.append(firsts[place]) }
            if place < others.count { mixed.append(others[place]) }
        }
        return mixed
    }

    /// Connects to one of the addresses; see `connect(toHost:)`.
    ///
    /// - Parameters:
    ///   - addresses: in the order in which they are tried.
    ///   - host: shown in errors.
    ///   - attempt: connects to one address.
    static func connect(
        toFirstOf addresses: [SocketAddress], called host: String,
        _ attempt: @escaping @Sendable (SocketAddress) async throws -> Stream
    ) async throws -> Stream {
        let attempts = Channel<Result<Stream, any Error>>(.unbounded, name: "connections to \(host)")
        return try await withNursery("connect to \(host)") { nursery in
            var waiting = addresses[...]
            var pending = 0
            var failures: [any Error] = []
            while true {
                if let address = waiting.popFirst() {
                    pending += 1
                    nursery.spawn("connect to \(address)") {
                        do {
                            try await attempts.send(.success(try await attempt(address)))
                        } catch {
                            try await attempts.send(.failure(error))
                        }
                    }
                }
                guard pending > 0 else { throw failure(of: failures, host) }
                let ended: Result<Stream, any Error>? = try await select(order: .first) {
                    attempts.receiving { $0 }
                    after(attemptDelay) { nil }.when(!waiting.isEmpty)
                }
                switch ended {
                case .success(let stream):
                    nursery.cancel()
                    return stream
                case .failure(let error):
                    pending -= 1
                    failures.append(error)
                case nil:
                    break
                }
            }
        }
    }

    private static func failure(of failures: [any Error], _ host: String) -> any Error {
        guard let first = failures.first else { return SluiceError(.address, "'\(host)' has no address") }
        guard failures.count > 1, let known = first as? SluiceError else { return first }
        let others = failures.dropFirst().map { "\($0)" }.joined(separator: "; ")
        return SluiceError(known.code, "\(known.message); \(others)", errno: known.errno)
    }
}
