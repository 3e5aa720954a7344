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
/// - Each message costs a select over all the sources. For hundreds, rather have all senders use one channel.
///
/// After core.async's `merge`.
///
/// - Parameters:
///   - kind: what the result does with a message that nobody waits for.
///   - reactor: where the task lives; nil for the reactor of the calling task.
/// - Throws: `.misuse` off the reactors when none is given.
public func merge<Element: Sendable>(
    _ sources: [any MessageSource<Element>], _ kind: ChannelKind = .rendezvous, name: String = "merge",
    on reactor: Reactor? = nil
) throws(SluiceError) -> ReceivingEnd<Element> {
    try Reactor.given(reactor, for: name).startStage(name, kind, from: sources.map { eraseForStage($0) }) { output in
        var open = sources
        while !open.isEmpty {
            let (index, message) = try await select {
                for (index, source) in open.enumerated() { source.receiving { message in (index, message) } }
            }
            if let message { try await output.send(message) } else { open.remove(at: index) }
        }
    }
}

private func eraseForStage<Element>(_ source: some MessageSource<Element>) -> any StageSource {
    AnyStageSource(source: source)
}
