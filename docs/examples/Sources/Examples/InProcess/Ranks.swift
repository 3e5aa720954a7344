// Ranks that work together as in MPI and mpi4py: broadcast, scatter, gather, reduce and a barrier. Each rank is a green
// task, and every pair of ranks has a channel in each direction.
//
//     make example NAME=ranks
//
// ranks-mpi runs the same ranks as processes, with the names of mpi4py.

import SluiceRuntime

func ranks() throws {
    try Reactor().run {
        let world = Communicator<[Int]>(size: 4)
        let lines = try await parallelMap(0..<world.size) { rank in
            // Rank 0 sends the factor to all ranks and a part of the numbers to each.
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
    /// The channels by sending and receiving rank. A send waits for its receiver.
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

    /// Returns the value of rank 0 in every rank.
    func broadcast(_ value: Value?, as rank: Int) async throws -> Value {
        try await scatter(value.map { Array(repeating: $0, count: size) }, as: rank)
    }

    /// Returns one of the values of rank 0 in each rank.
    func scatter(_ values: [Value]?, as rank: Int) async throws -> Value {
        guard let values else { return try await receive(from: 0, as: rank) }
        for other in 1..<size { try await send(values[other], from: 0, to: other) }
        return values[0]
    }

    /// Returns the values of all ranks in rank 0.
    func gather(_ value: Value, as rank: Int) async throws -> [Value]? {
        guard rank == 0 else {
            try await send(value, from: rank, to: 0)
            return nil
        }
        var values = [value]
        for other in 1..<size { values.append(try await receive(from: other, as: 0)) }
        return values
    }

    /// Returns the combined values of all ranks in rank 0.
    func reduce(_ value: Value, as rank: Int, _ combine: (Value, Value) -> Value) async throws -> Value? {
        guard let values = try await gather(value, as: rank) else { return nil }
        return values.dropFirst().reduce(values[0], combine)
    }

    /// Returns when all ranks have called it: rank 0 counts them, then releases them.
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
