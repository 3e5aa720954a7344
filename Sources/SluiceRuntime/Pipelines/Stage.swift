// What `merge` and `pipeline` share: a green task between channels.

extension Reactor {
    /// Starts a task that sends on a new channel.
    ///
    /// When `body` returns, the channel is closed; when it throws, the channel is poisoned with the error's message.
    /// When the last receiving end has retired, the task is cancelled. At its end, the task retires the sources, and
    /// poisons them first if the receiver has poisoned the channel.
    ///
    /// - Parameter name: the name of the task and of the channel in reports.
    /// - Returns: a receiving end of the channel.
    @usableFromInline
    func startStage<Input: Sendable, Output: Sendable>(
        _ name: String, _ kind: ChannelKind, from sources: [MessageIterator<Input>],
        _ body: @escaping @Sendable (Channel<Output>) async throws -> Void
    ) -> ReceivingEnd<Output> {
        let output = Channel<Output>(kind, name: name)
        let task = spawn(name) {
            do {
                try await body(output)
                output.close()
            } catch {
                if case .poisoned(let reason) = output.ending {
                    for source in sources { source.poison(reason: reason) }
                }
                output.poison(reason: error.poisonReason)
            }
            for source in sources { source.retire() }
        }
        return ReceivingEnd(of: output) { task.cancel() }
    }
}

extension Error {
    /// The error's message, as the reason of a poison.
    @usableFromInline var poisonReason: String { (self as? SluiceError)?.message ?? "\(self)" }
}
