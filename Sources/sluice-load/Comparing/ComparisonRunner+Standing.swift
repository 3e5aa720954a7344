/// The rows that compare servers' memory, or their work beside a crowd.
extension ComparisonRunner {
    /// Measures each round on a fresh server, since a server reuses memory that earlier measurements left.
    func measureMemory(
        _ row: RowDefinition, _ present: [Contestant], isParked: Bool
    ) throws(LoadFailure) -> ComparisonRow {
        var values: [Contestant: [Double]] = [:]
        for round in 1...min(rounds, RowDefinition.mostMemoryRounds) {
            for contestant in present {
                announce(row, round, contestant.rawValue)
                let server = try freshServer(contestant.program, row.transport)
                defer { server.end() }
                let memory = IdleMemory(
                    contestant: contestant, address: server.address, server: server.server,
                    connections: RowDefinition.idleConnections, isParked: isParked)
                let result = try memory.measure(plan(row, contestant, at: server, round: round))
                values[contestant, default: []].append(result.extras.first?.value ?? 0)
            }
        }
        let entries = present.map {
            ComparisonEntry(
                contender: $0.server, manner: "\(RowDefinition.idleConnections) connections", values: values[$0] ?? [],
                p99Nanoseconds: [], serverNanoseconds: [])
        }
        return Self.result(row, present, "bytes a connection", isHigherBetter: false, entries)
    }

    /// Measures two servers in turn, one of which has the crowd.
    func measureCrowd(_ row: RowDefinition) throws(LoadFailure) -> ComparisonRow {
        let alone = try freshServer(.sluiced)
        let crowded = try freshServer(.sluiced)
        defer {
            alone.end()
            crowded.end()
        }
        progress.begin("\(row.title): parking")
        let crowd = try ParkedCrowd(
            plan(row, .sluice, at: crowded, round: 0), receives: RowDefinition.crowd.receives,
            channels: RowDefinition.crowd.channels)
        defer { crowd.disconnect() }
        var results: [[RunResult]] = [[], []]
        for round in 1...rounds {
            for (index, server) in [crowded, alone].enumerated() {
                announce(row, round, index == 0 ? "beside them" : "alone")
                var plan = try plan(row, .sluice, at: server, round: round)
                ParkedCrowd.chooseStreams(&plan)
                results[index].append(try Run.carryOut(plan) { [progress] in progress.show($0) })
            }
        }
        let entries = zip(["beside them", "alone"], results).map { manner, results in
            var entry = Self.entry(Contestant.sluice.server, manner, results)
            entry.values = results.compactMap(Self.serverNanoseconds)
            entry.serverNanoseconds = []
            return entry
        }
        return Self.result(row, row.contestants, "server ns a message", isHigherBetter: false, entries)
    }
}
