import SluiceRuntime
import SluiceWire

extension Client {
    /// Has the server do something, and waits for its final reply. Cancelling the task withdraws it, where the server may
    /// have to wait.
    func attempt(_ command: Command, over connection: Int? = nil) async -> OperationOutcome {
        let operation = Operation(command, connection: connection)
        guard operation.lane != nil else { return await outcome(of: operation) }
        return await withTaskCancellationHandler {
            await outcome(of: operation)
        } onCancel: {
            link.cancel(operation)
        }
    }

    /// As `attempt`, with an error where there is no reply.
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

    /// Has the server do something that is done when it says OK.
    @discardableResult
    func request(_ command: Command, over connection: Int? = nil) async throws(SluiceError) -> Attributes {
        let reply = try await perform(command, over: connection).0
        guard case .ok(let attributes) = reply else { throw reply.error() }
        return attributes
    }
}
