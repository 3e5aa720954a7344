/// The workloads, which Benchmarks/README.md describes, by the driver's names.
enum ChannelWorkload: String, CaseIterable {
    case pingPong = "ping-pong"
    case oneWay = "one-way"
    case selectOf2 = "select-2"
    case selectOf8 = "select-8"
    case semaphore
    case mutex
    case barrier
    case spawnJoin = "spawn-join"
    case spawnBatch = "spawn-batch"
    case spawnPark = "spawn-park"
    case offload
    case datagram
    case subprocess
    case parked
    case sieve
}

/// The result of a workload.
enum Measurement {
    case time(Duration, operations: Int)
    case memory(bytes: Int, tasks: Int)
    case sieve(Duration, lastPrime: Int)
    case unsupported

    /// Returns lines of a name, a value and a unit, as the driver reads them.
    func report(as name: String) -> String {
        switch self {
        case .time(let elapsed, let operations): "\(name) \(elapsed / .nanoseconds(1) / Double(operations)) ns"
        case .memory(let bytes, let tasks): "\(name) \(Double(bytes) / Double(tasks)) B"
        case .sieve(let elapsed, let lastPrime):
            "\(name) \(elapsed / .seconds(1)) s\nlast-prime \(lastPrime) value"
        case .unsupported: "\(name) - unsupported"
        }
    }
}

/// One contestant's implementation of the workloads. Each returns how long `count` operations took.
protocol ChannelWorkloads {
    func pingPong(_ count: Int) async throws -> Duration
    func oneWay(_ count: Int) async throws -> Duration
    /// Returns nil when the contestant has no select over channels.
    func selectOf2(_ count: Int) async throws -> Duration?
    func selectOf8(_ count: Int) async throws -> Duration?
    /// Returns nil when the contestant has no semaphore, mutex or barrier for tasks.
    func semaphore(_ count: Int) async throws -> Duration?
    func mutex(_ count: Int) async throws -> Duration?
    func barrier(_ count: Int) async throws -> Duration?
    func spawnJoin(_ count: Int) async throws -> Duration
    func spawnBatch(_ count: Int, batch: Int) async throws -> Duration
    func spawnPark(_ count: Int, batch: Int) async throws -> Duration
    /// Returns nil when the contestant has no such thing.
    func offload(_ count: Int) async throws -> Duration?
    func datagram(_ count: Int) async throws -> Duration?
    func subprocess(_ count: Int) async throws -> Duration?
    /// Returns by how many bytes the resident memory grows while `count` tasks are parked on one channel.
    func parkedBytes(_ count: Int) async throws -> Int
    /// Returns the `count`-th prime, and the time until it left the chain of filters.
    func sieve(_ count: Int) async throws -> (prime: Int, elapsed: Duration)
}

extension ChannelWorkloads {
    func offload(_ count: Int) async throws -> Duration? { nil }
    func datagram(_ count: Int) async throws -> Duration? { nil }
    func subprocess(_ count: Int) async throws -> Duration? { nil }

    /// Measures `workload`. Timed workloads are warmed up with a tenth of their count.
    func measure(_ workload: ChannelWorkload, _ count: Int) async throws -> Measurement {
        switch workload {
        case .pingPong: try await timed(count, pingPong)
        case .oneWay: try await timed(count, oneWay)
        case .selectOf2: try await timed(count, selectOf2)
        case .selectOf8: try await timed(count, selectOf8)
        case .semaphore: try await timed(count, semaphore)
        case .mutex: try await timed(count, mutex)
        case .barrier: try await timed(count, barrier)
        case .spawnJoin: try await timed(count, spawnJoin)
        case .spawnBatch: try await timed(count) { try await spawnBatch($0, batch: 1_000) }
        case .spawnPark: try await timed(count) { try await spawnPark($0, batch: 10_000) }
        case .offload: try await timed(count, offload)
        case .datagram: try await timed(count, datagram)
        case .subprocess: try await timed(count, subprocess)
        case .parked: .memory(bytes: try await parkedBytes(count), tasks: count)
        case .sieve: try await sieveMeasurement(count)
        }
    }

    private func timed(_ count: Int, _ run: (Int) async throws -> Duration?) async throws -> Measurement {
        _ = try await run(count / 10)
        guard let elapsed = try await run(count) else { return .unsupported }
        return .time(elapsed, operations: count)
    }

    private func sieveMeasurement(_ count: Int) async throws -> Measurement {
        let (prime, elapsed) = try await sieve(count)
        return .sieve(elapsed, lastPrime: prime)
    }
}

/// A workload whose result is not the one that arithmetic gives.
struct WrongResult: Error {
    let result: Int
    let expected: Int
}

func expect(_ result: Int, _ expected: Int) throws {
    if result != expected { throw WrongResult(result: result, expected: expected) }
}
