extension Listener {
    /// Serves connections: accepts them, and runs `handler` in a green task for each, for at most `limit` at a time.
    /// After gevent's `StreamServer`.
    ///
    /// ```swift
    /// try await listener.serve(limit: 1000) { stream in
    ///     let reader = StreamReader(stream)
    ///     while let line = try await reader.readLine() { try await stream.write(Array("\(line)\n".utf8)) }
    /// }
    /// ```
    ///
    /// - While `limit` connections are served, further ones wait in the kernel's queue.
    /// - The stream is closed when its handler ends. An error of a handler ends its own connection only. If the error is not
    ///   that of the connection (`.system`, `.closed`, `.timedOut`, `.tls`), `Reactor.handleFailures` reports it.
    /// - `close()` stops the serving without an error: no more connections are accepted, and this returns when those that
    ///   are open have ended. After `grace`, their handlers are cancelled.
    /// - When the calling task is cancelled, so are the handlers, and all are awaited.
    ///
    /// - Parameters:
    ///   - limit: the most connections at a time, at least 1.
    ///   - grace: the time that handlers have after `close()`; nil for no limit.
    ///   - handler: serves one connection.
    /// - Throws: `.cancelled`; `.misuse` when `limit` is less than 1, off the reactor's thread, or while another task
    ///   accepts; what `accept` throws.
    public func serve(
        limit: Int, grace: Duration? = nil, _ handler: @escaping @Sendable (Stream) async throws -> Void
    ) async throws {
        guard limit >= 1 else { throw SluiceError(.misuse, "the limit of serve must be at least 1, and is \(limit)") }
        let name = "connections of \(localAddress)"
        try await withNursery(name) { nursery in
            let (places, open) = (Semaphore(permits: limit, name: name, role: .pool), WaitGroup(name: name))
            while let stream = try await acceptUnlessClosed(places) {
                open.add()
                nursery.spawn("connection with \(stream.peerAddress)") { [reactor] in
                    defer {
                        places.release()
                        open.done()
                    }
                    await Self.serve(stream, on: reactor, handler)
                }
            }
            do throws(SluiceError) {
                try await open.wait(timeout: grace)
            } catch {
                guard error.code == .timedOut else { throw error }
                nursery.cancel()
            }
        }
    }

    /// Waits for one of the places, and then for a connection; nil when the listener is closed.
    private func acceptUnlessClosed(_ places: Semaphore) async throws -> Stream? {
        let hasPlace = try await select(order: .first) {
            closing.waiting { false }
            places.acquiring { true }
        }
        guard hasPlace else { return nil }
        do throws(SluiceError) {
            return try await accept()
        } catch {
            guard error.code == .closed else { throw error }
            return nil
        }
    }

    private static func serve(
        _ stream: Stream, on reactor: Reactor, _ handler: @Sendable (Stream) async throws -> Void
    ) async {
        defer { stream.close() }
        do {
            try await handler(stream)
        } catch {
            let ordinary: [SluiceError.Code] = [.system, .closed, .timedOut, .tls, .cancelled]
            if let error = error as? SluiceError, ordinary.contains(error.code) { return }
            guard !CancelScope.isCancellation(error) else { return }
            reactor.report(
                TaskFailure(task: "connection with \(stream.peerAddress)", reactor: reactor.name, error: error))
        }
    }
}
