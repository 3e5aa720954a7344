/// Passes the messages of a source for which `isChosen` returns true on to one channel, and all others to a second one.
///
/// ```swift
/// let (even, odd) = try split(numbers, by: { $0.isMultiple(of: 2) })
/// ```
///
/// - Each result has its messages in the order of the source. A slow reader of one holds up the other, unless the result
///   buffers or drops.
/// - The results end when the source has ended. When it is poisoned, or `isChosen` throws, so are the results.
/// - The work is done by a green task named `name`. When the last receiving end of one result has retired, the messages
///   for it are dropped; when nobody receives from either of them, the task ends. It owns the source: if that is a
///   receiving end, the task retires it when it ends.
///
/// After core.async's `split`.
///
/// - Parameters:
///   - source: the channel or receiving end to receive from.
///   - kind: what each result does with a message for which no receiver waits.
///   - name: the name of the task and of the results in reports.
///   - reactor: the task's reactor; nil for that of the calling task.
///   - isChosen: decides where a message goes, in the task.
/// - Returns: a receiving end of each result.
/// - Throws: `.misuse` off the reactors if `reactor` is nil.
public func split<Element: Sendable>(
    _ source: some MessageSource<Element>, _ kind: ChannelKind = .rendezvous, name: String = "split",
    on reactor: Reactor? = nil, by isChosen: @escaping @Sendable (Element) async throws -> Bool
) throws(SluiceError) -> (chosen: ReceivingEnd<Element>, others: ReceivingEnd<Element>) {
    let source = source.makeAsyncIterator()
    let chosen = Channel<Element>(kind, name: "chosen by \(name)")
    let others = Channel<Element>(kind, name: "others of \(name)")
    let task = try Reactor.given(reactor, for: name).spawn(name) {
        do {
            while let message = try await source.channel.receive() {
                let output = try await isChosen(message) ? chosen : others
                do throws(SluiceError) {
                    try await output.send(message)
                } catch {
                    // Nobody receives from this result any more. The task may not have noticed yet that it is cancelled.
                    guard error.code == .closed || error.code == .poisoned else { throw error }
                    if chosen.ending != nil, others.ending != nil { break }
                }
            }
            chosen.close()
            others.close()
        } catch {
            chosen.poison(reason: error.poisonReason)
            others.poison(reason: error.poisonReason)
        }
        source.retire()
    }
    // A result that nobody receives from any more has ended.
    let noteUnwanted: @Sendable () -> Void = { if chosen.ending != nil, others.ending != nil { task.cancel() } }
    return (ReceivingEnd(of: chosen, whenUnwanted: noteUnwanted), ReceivingEnd(of: others, whenUnwanted: noteUnwanted))
}
