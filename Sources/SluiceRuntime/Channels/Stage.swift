// What `merge` and `pipeline` have in common: a green task between channels.

extension Reactor {
    /// Starts a task that makes the messages of a channel, and returns the receiving end of that.
    ///
    /// When `body` returns, the channel is closed; when it throws, the channel is poisoned with the error's words. When
    /// nobody receives any more, the task is cancelled. In the end, the stage leaves its sources; where it was the
    /// receiver who poisoned the channel, it poisons them too.
    ///
    /// - Parameter name: that of the task and of the channel.
    func startStage<Output: Sendable>(
        _ name: String, _ kind: ChannelKind, from sources: [any StageSource],
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
            for source in sources { source.leaveIfCounted() }
        }
        return ReceivingEnd(of: output) { task.cancel() }
    }
}

/// A source of a stage, whatever its messages are.
protocol StageSource: Sendable {
    func poison(reason: String?)

    /// Gives the source back, where it is a counted end.
    func leaveIfCounted()
}

/// A source of messages as a source of a stage.
struct AnyStageSource<Source: MessageSource>: StageSource {
    let source: Source

    func poison(reason: String?) {
        source.poison(reason: reason)
    }

    func leaveIfCounted() {
        (source as? ReceivingEnd<Source.Element>)?.leave()
    }
}

extension Error {
    /// What the error says, as the reason of a poison.
    var inWords: String { (self as? SluiceError)?.message ?? "\(self)" }
}
