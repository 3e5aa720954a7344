/// Transforms messages in parallel, and keeps their order.
///
/// ```swift
/// for try await page in try pipeline(from: addresses, workers: 8, { try await fetch($0) }) { … }
/// ```
///
/// - At most `workers` messages are in the pipeline at a time, from their being taken to their being received; so it
///   takes no faster than its receiver does.
/// - The result ends when the source has. When `transform` throws, or the source is poisoned, what was taken before is
///   still transformed and received; then the result is poisoned with that reason. When it is poisoned by its receiver,
///   so is the source.
/// - Green tasks do this: `name`, and a worker for each of `workers`. They end with the source, or as soon as nobody
///   receives from the result any more: then the messages that are in the pipeline are lost. A worker that is cancelled
///   while it waits for a message takes none.
/// - The source belongs to the pipeline from now on: it leaves a receiving end, once it ends.
///
/// After core.async's `pipeline`. The workers stand in a ring, in which two tokens go round: who has the one takes the
/// next message, who has the other passes on the next result. Both go the same way, so results are in the order of
/// messages; and a worker that is still busy when it should take again is the one that all others wait for anyway.
///
/// - Parameters:
///   - kind: what the result does with a message that nobody waits for. A poison drops what is buffered.
///   - reactor: where the tasks live; nil for the reactor of the calling task.
///   - transform: runs in a worker. For work that holds the thread, give the pipeline a reactor of its own.
/// - Throws: `.misuse` without a worker, and off the reactors when none is given.
@inlinable
public func pipeline<Input: Sendable, Output: Sendable>(
    from source: some MessageSource<Input>, workers: Int, kind: ChannelKind = .rendezvous,
    name: String = "pipeline", on reactor: Reactor? = nil,
    _ transform: @escaping @Sendable (Input) async throws -> Output
) throws(SluiceError) -> ReceivingEnd<Output> {
    guard workers > 0 else { throw SluiceError(.misuse, "'\(name)' needs a worker") }
    let source = source.makeAsyncIterator()
    return try Reactor.given(reactor, for: name).startStage(name, kind, from: [source]) { output in
        let ring = try WorkerRing(of: workers, name: name, from: source.channel, to: output, transform)
        try await withNursery(name) { nursery in
            for number in 0..<workers {
                nursery.spawn("\(name) worker \(number + 1)") { try await ring.work(as: number) }
            }
        }
    }
}

/// The workers of a pipeline and their two tokens.
@usableFromInline
struct WorkerRing<Input: Sendable, Output: Sendable>: Sendable {
    /// Where each worker gets the right to take a message. All are closed when no more is to be taken.
    @usableFromInline let takeTurns: [Channel<Void>]
    /// Where each worker gets the right to pass its result on.
    @usableFromInline let passTurns: [Channel<Void>]
    @usableFromInline let source: Channel<Input>
    @usableFromInline let output: Channel<Output>
    @usableFromInline let transform: @Sendable (Input) async throws -> Output

    @usableFromInline
    init(
        of size: Int, name: String, from source: Channel<Input>, to output: Channel<Output>,
        _ transform: @escaping @Sendable (Input) async throws -> Output
    ) throws(SluiceError) {
        takeTurns = (1...size).map { Channel(.buffered(capacity: 1), name: "\(name) worker \($0) may take") }
        passTurns = (1...size).map { Channel(.buffered(capacity: 1), name: "\(name) worker \($0) may pass on") }
        self.source = source
        self.output = output
        self.transform = transform
        _ = try takeTurns[0].trySend(())
        _ = try passTurns[0].trySend(())
    }

    @inlinable
    func work(as number: Int) async throws {
        let next = (number + 1) % takeTurns.count
        while try await takeTurns[number].receive() != nil {
            let result: Result<Output, any Error>
            do {
                guard let input = try await source.receive() else { return endTaking() }
                try await takeTurns[next].send(())
                result = .success(try await transform(input))
            } catch {
                endTaking()
                result = .failure(error)
            }
            // An error waits for its turn too: what came before it is still passed on.
            _ = try await passTurns[number].receive()
            try await output.send(try result.get())
            try await passTurns[next].send(())
        }
    }

    @usableFromInline
    func endTaking() {
        for turn in takeTurns { turn.close() }
    }
}
