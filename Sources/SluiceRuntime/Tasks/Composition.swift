// Processes made of processes: the PAR and SEQ of occam, the `Parallel` and `Sequence` of PyCSP.
//
// `parallelMap` is not an overload of `parallel`: with one, the compiler of Swift 6.3 takes no closure in a parameter
// pack to be sendable.

/// Runs the processes concurrently, each in a green task of its own, and returns their results.
///
/// ```swift
/// let (sum, text) = try await parallel({ try await add() }, { try await spell() })
/// ```
///
/// - Throws: the first error of a process, after the others were cancelled and have ended; `.cancelled`; `.misuse` off
///   the reactors. See `withNursery`.
public func parallel<each Output: Sendable>(
    _ process: repeat @escaping @Sendable () async throws -> each Output
) async throws -> (repeat each Output) {
    try await withNursery("parallel") { nursery in
        let tasks = (repeat nursery.spawnProcess(each process))
        return (repeat try await (each tasks).join())
    }
}

/// Runs a process for each item, all concurrently and each in a green task of its own, and returns their results in the
/// order of the items.
///
/// - Throws: the first error of a process, after the others were cancelled and have ended; `.cancelled`; `.misuse` off
///   the reactors. See `withNursery`.
public func parallelMap<Items: Sequence, Output: Sendable>(
    _ items: Items, _ process: @escaping @Sendable (Items.Element) async throws -> Output
) async throws -> [Output] where Items.Element: Sendable {
    try await withNursery("parallel") { nursery in
        var outputs: [Output] = []
        let tasks = items.map { item in nursery.spawnProcess { try await process(item) } }
        for task in tasks { outputs.append(try await task.join()) }
        return outputs
    }
}

/// Runs the processes one after the other, in the calling task, and returns their results. Often a process of
/// `parallel`.
///
/// - Throws: the error of the first process that throws. The ones after it do not run.
public func sequence<each Output>(
    _ process: repeat () async throws -> each Output
) async throws -> (repeat each Output) {
    (repeat try await (each process)())
}

/// Runs the processes one after the other, in the calling task, and returns their results in the same order.
///
/// - Throws: the error of the first process that throws. The ones after it do not run.
public func sequence<Output>(all processes: [() async throws -> Output]) async throws -> [Output] {
    var outputs: [Output] = []
    outputs.reserveCapacity(processes.count)
    for process in processes { outputs.append(try await process()) }
    return outputs
}

extension Nursery {
    fileprivate func spawnProcess<Output: Sendable>(
        _ process: @escaping @Sendable () async throws -> Output
    ) -> GreenTask<Output> {
        spawn("process \(startedCount + 1) of parallel", process)
    }
}
