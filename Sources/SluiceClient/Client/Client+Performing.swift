import SluiceRuntime
package import SluiceWire

extension Client {
    /// Performs a command, and waits for its outcome. Cancelling the task withdraws a command that may wait at the server.
    func attempt(_ command: Command, over connection: Int? = nil) async -> OperationOutcome {
        let operation = Operation(command, connection: connection)
        guard operation.lane != nil else { return await outcome(of: operation) }
        return await withTaskCancellationHandler {
            await outcome(of: operation)
        } onCancel: {
            link.cancel(operation)
        }
    }

    /// Performs a command, and throws when there is no reply.
    func perform(_ command: Command, over connection: Int? = nil) async throws(SluiceError) -> (Reply, connection: Int)
    {
        switch await attempt(command, over: connection) {
        case .reply(let reply, let connection): return (reply, connection)
        case .failed(let error): throw error
        }
    }

    private func outcome(of operation: Operation) async -> OperationOutcome {
        await withUnsafeContinuation { continuation in
            operation.listener = .task(continuation)
            link.submit(operation)
        }
    }

    /// Performs a command that succeeds with `OK`.
    @discardableResult
    func request(_ command: Command, over connection: Int? = nil) async throws(SluiceError) -> Attributes {
        let reply = try await perform(command, over: connection).0
        guard case .ok(let attributes) = reply else { throw reply.error() }
        return attributes
    }
}

// MARK: For the programs of this package

extension Client {
    /// Performs a command, and returns the server's final reply, whatever it says.
    package func reply(to command: Command) async throws(SluiceError) -> Reply { try await perform(command).0 }

    /// Submits a command without waiting for it.
    ///
    /// - Parameter listener: told of every reply, and of the outcome, on the client's reactor; or before this returns, when
    ///   the command fails at once.
    /// - Returns: what `cancel` takes.
    @discardableResult
    package func submit(
        _ command: Command, _ listener: @escaping @Sendable (OperationEvent) -> Void
    ) -> Operation {
        let operation = Operation(command)
        operation.listener = .handler(listener)
        link.submit(operation)
        return operation
    }

    /// Withdraws an operation. Its listener still gets its outcome.
    package func cancel(_ operation: Operation) { link.cancel(operation) }

    /// Lowers the time for which the server may be silent while it owes an answer; see ``ClientOptions/answerTimeout``.
    package func limitSilence(to time: Duration) { link.limitSilence(to: time) }

    /// What the server has said about itself; nil before the first connection.
    package var greeting: ServerGreeting? { link.greeting }
}
