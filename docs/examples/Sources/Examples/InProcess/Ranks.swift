// Ranks that work together in the manner of MPI and mpi4py: broadcast, scatter, gather, reduce and a barrier. Each rank is
// a green task, and a channel leads from each rank to each.
//
//     make example NAME=ranks
//
// ranks-mpi has the same ranks as processes, with the names of mpi4py.

import SluiceRuntime

func ranks() throws {
    try Reactor().run {
        let world = Communicator<[Int]>(size: 4)
        let lines = try await parallelMap(0..<world.size) { rank in
            // Rank 0 tells everybody by what to multiply, and gives each a part of the work.
            let factor = try await world.broadcast(rank == 0 ? [10] : nil, as: rank)[0]
            let part = try await world.scatter(rank == 0 ? [[1, 2], [3], [4, 5, 6], []] : nil, as: rank)
            let products = part.map { $0 * factor }
            let all = try await world.gather(products, as: rank)
            let sum = try await world.reduce(products, as: rank) { [($0 + $1).reduce(0, +)] }
            try await world.barrier(as: rank)
            return all.map { "rank 0 has gathered \($0), the sum is \(sum ?? [])" } ?? "rank \(rank) had \(part)"
        }
        print(lines.joined(separator: "\n"))
    }
}

private struct Communicator<Value: Sendable>: Sendable {
    let size: Int
    /// By the ranks that it leads from and to; a message waits for its receiver.
    private let links: [[Channel<Value>]]
    private let arrivals = Channel<Void>(name: "arrivals")
    private let departures = Channel<Void>(name: "departures")

    init(size: Int) {
        self.size = size
        links = (0..<size).map { from in (0..<size).map { to in Channel(name: "\(from) to \(to)") } }
    }

    func send(_ value: Value, from rank: Int, to other: Int) async throws {
        try await links[rank][other].send(value)
    }

    func receive(from other: Int, as rank: Int) async throws -> Value {
        guard let value = try await links[other][rank].receive() else {
            throw SluiceError(.closed, "rank \(other) left")
        }
        return value
    }

    /// Everybody gets the value of rank 0.
    func broadcast(_ value: Value?, as rank: Int) async throws -> Value {
        try await scatter(value.map { Array(repeating: $0, count: size) }, as: rank)
    }

    /// Everybody gets one of the values of rank 0.
    func scatter(_ values: [Value]?, as rank: Int) async throws -> Value {
        guard let values else { return try await receive(from: 0, as: rank) }
        for other in 1..<size { try await send(values[other], from: 0, to: other) }
        return values[0]
    }

    /// Rank 0 gets the values of all.
    func gather(_ value: Value, as rank: Int) async throws -> [Value]? {
        guard rank == 0 else {
            try await send(value, from: rank, to: 0)
            return nil
        }
        var values = [value]
        for other in 1..<size { values.append(try await receive(from: other, as: 0)) }
        return values
    }

    /// Rank 0 gets the values of all, combined.
    func reduce(_ value: Value, as rank: Int, _ combine: (Value, Value) -> Value) async throws -> Value? {
        guard let values = try await gather(value, as: rank) else { return nil }
        return values.dropFirst().reduce(values[0], combine)
    }

    /// Returns when all have come: rank 0 counts them, and then lets them go.
    func barrier(as rank: Int) async throws {
        if rank == 0 {
            for _ in 1..<size { try await arrivals.receive() }
            for _ in 1..<size { try await departures.send(()) }
        } else {
            try await arrivals.send(())
            try await departures.receive()
        }
    }
}
