/// Transforms messages concurrently, and keeps their order.
///
/// ```swift
/// for try await page in try pipeline(from: addresses, workers: 8, { try await fetch($0) }) { … }
/// ```
///
/// - At most `workers` messages are in the pipeline, which is between the source's receive and the result's. A slow
///   receiver therefore applies backpressure to the source.
/// - The result ends when the source has ended. When `transform` throws or the source is poisoned, the messages taken
///   before are still transformed and received; then the result is poisoned with that reason. When the receiver poisons
///   the result, the source is poisoned.
/// - The work is done by a green task named `name` and by `workers` more. They end with the source, or when the
///   result's last receiving end has retired. In that case, the messages in the pipeline are lost. A worker that is
///   cancelled while it waits for a message takes none.
/// - The pipeline owns the source: if that is a receiving end, it is retired at the end.
///
/// After core.async's `pipeline`. The workers form a ring, in which two tokens circulate: the worker with the first
/// token takes the next message, the one with the second token passes on the next result. Both tokens go the same way,
/// so that results keep the order of the messages. A worker that is still busy when the first token comes is the one
/// for whose result all others wait anyway.
///
/// - Parameters:
///   - source: the channel or receiving end to receive from.
///   - workers: the number of workers, at least 1.
///   - kind: what the result does with a message for which no receiver waits. Poison drops what is buffered.
///   - name: the name of the tasks and of the result in reports.
///   - reactor: the tasks' reactor; nil for that of the calling task.
///   - transform: transforms a message, in a worker. For work that blocks the thread, give the pipeline its own
///     reactor.
/// - Returns: a receiving end of the result.
/// - Throws: `.misuse` when `workers` is below 1, and off the reactors if `reactor` is nil.
@inlinable
public func pipeline<Input: Sendable, Output: Sendable>(
    from source: some MessageSource<Input>, workers: Int, kind: ChannelKind = .rendezvous,
    name: String = "pipeline", on reactor: Reactor? = nil,
    _ transform: @escaping @Sendable (Input) async throws -> Output
) throws(SluiceError) -> ReceivingEnd<Output> {
    guard workers > 0 else { throw SluiceError(.misuse, "workers of '\(name)' must be at least 1") }
    let source = source.makeAsyncIterator()
    return try Reactor.given(reactor, for: name).startStage(name, kind, from: [source]) { output in
        let ring = try WorkerRing(of: workers, name: name, from: source.channel, to: output, transform)
        try await withNursery(name) { nursery in
            for number in 0..<workers {
                nursery.spawn("\(name) worker \(number + 1)") { try await ring.runWorker(number) }
            }
        }
    }
}

/// The workers of a pipeline and their two tokens.
@usableFromInline
struct WorkerRing<Input: Sendable, Output: Sendable>: Sendable {
    /// The channels by which each worker gets the token to take a message. All are closed when no more are to be taken.
    @usableFromInline let takeTurns: [Channel<Void>]
    /// The channels by which each worker gets the token to pass on its result.
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
    func runWorker(_ number: Int) async throws {
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
            // An error waits for its turn as well, so that earlier results are passed on.
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
