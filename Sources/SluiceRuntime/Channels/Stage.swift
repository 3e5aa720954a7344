// What `merge` and `pipeline` have in common: a green task between channels.

extension Reactor {
    /// Starts a task that makes the messages of a channel, and returns the receiving end of that.
    ///
    /// When `body` returns, the channel is closed; when it throws, the channel is poisoned with the error's words. When
    /// nobody receives any more, the task is cancelled. In the end, the stage leaves its sources; where it was the
    /// receiver who poisoned the channel, it poisons them too.
    ///
    /// - Parameter name: that of the task and of the channel.
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
                output.poison(reason: error.inWords)
            }
            for source in sources { source.leave() }
        }
        return ReceivingEnd(of: output) { task.cancel() }
    }
}

extension Error {
    /// What the error says, as the reason of a poison.
    @usableFromInline var inWords: String { (self as? SluiceError)?.message ?? "\(self)" }
}
