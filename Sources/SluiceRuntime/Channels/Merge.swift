/// Merges channels: the messages of all the sources, each in its own order, fairly taken in turn.
///
/// ```swift
/// for try await event in try merge([keys, clicks, network]) { … }
/// ```
///
/// - The result ends when all the sources have ended. When one of them is poisoned, it is at once, with that reason;
///   when it is poisoned by its receiver, so are the sources.
/// - A green task named `name` does this, and takes a message only when it has passed on the one before. It ends with
///   the sources, or as soon as nobody receives from the result any more: then a message that it has just taken is
///   lost.
/// - The sources belong to the merge from now on: it leaves those that are receiving ends, once it ends.
/// - A message costs the more, the more sources there are. For hundreds, rather have all senders use one channel.
///
/// After core.async's `merge`.
///
/// - Parameters:
///   - kind: what the result does with a message that nobody waits for.
///   - reactor: where the task lives; nil for the reactor of the calling task.
/// - Throws: `.misuse` off the reactors when none is given.
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
            // Going round the channels that have a message costs far less than a select, and is as fair.
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

/// A message of the first channel that has one, and its index, looking at each once from `start` on.
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
