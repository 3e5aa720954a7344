/// Merges channels. The result has the messages of all sources, those of each source in order, taken fairly in turn.
///
/// ```swift
/// for try await event in try merge([keys, clicks, network]) { … }
/// ```
///
/// - The result ends when all sources have ended. When a source is poisoned, the result is poisoned with its reason.
///   When the receiver poisons the result, the sources are poisoned.
/// - The work is done by a green task named `name`, which takes a message when it has passed on the previous one. It
///   ends with the sources, or when the result's last receiving end has retired. In that case, a message that it has
///   just taken is lost.
/// - The task owns the sources: it retires those that are receiving ends when it ends.
/// - The cost of a message grows with the number of sources. Instead of merging hundreds, let all senders use one
///   channel.
///
/// After core.async's `merge`.
///
/// - Parameters:
///   - sources: the channels or receiving ends to receive from.
///   - kind: what the result does with a message for which no receiver waits.
///   - name: the name of the task and of the result in reports.
///   - reactor: the task's reactor; nil for that of the calling task.
/// - Returns: a receiving end of the result.
/// - Throws: `.misuse` off the reactors if `reactor` is nil.
@inlinable
public func merge<Element: Sendable>(
    _ sources: [any MessageSource<Element>], _ kind: ChannelKind = .rendezvous, name: String = "merge",
    on reactor: Reactor? = nil
) throws(SluiceError) -> ReceivingEnd<Element> {
    let sources = sources.map { $0.makeAsyncIterator() }
    return try Reactor.given(reactor, for: name).startStage(name, kind, from: sources) { output in
        var open = sources.map(\.channel)
        var turn = 0
        while !open.isEmpty {
            // Taking turns among the channels that have a message costs far less than a select, and is as fair.
            if let ready = try firstReady(of: open, from: turn) {
                try await output.send(ready.message)
                turn = (ready.index + 1) % open.count
                continue
            }
            let (index, message) = try await select {
                for (index, channel) in open.enumerated() { channel.receiving { message in (index, message) } }
            }
            if let message { try await output.send(message) } else { open.remove(at: index) }
            turn = 0
        }
    }
}

/// Receives from the first channel that has a message, trying each once from `start` on.
///
/// - Returns: the message and the channel's index; nil when no channel has a message.
@inlinable
func firstReady<Element: Sendable>(
    of channels: [Channel<Element>], from start: Int
) throws(SluiceError) -> (index: Int, message: Element)? {
    for offset in channels.indices {
        let index = (start + offset) % channels.count
        if let message = try channels[index].tryReceive() { return (index, message) }
    }
    return nil
}
