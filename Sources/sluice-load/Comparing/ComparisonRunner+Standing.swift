/// The rows that compare what a server holds, and not how fast it is.
extension Tournament {
    /// Each time a server that has done nothing yet: what another measurement has left behind would be used again.
    func playMemory(
        _ row: ComparedRow, _ present: [Contestant], isParked: Bool
    ) throws(LoadFailure) -> ComparisonRow {
        var values: [Contestant: [Double]] = [:]
        for round in 1...min(rounds, ComparedRow.mostMemoryRounds) {
            for contestant in present {
                announce(row, round, contestant.rawValue)
                let process = try fresh(contestant.process)
                defer { process.end() }
                let idling = Idling(
                    contestant: contestant, address: process.address, server: process.server,
                    connections: ComparedRow.idleConnections, isParked: isParked)
                let result = try idling.measure(plan(row, contestant, at: process, round: round))
                values[contestant, default: []].append(result.extras.first?.value ?? 0)
            }
        }
        let entries = present.map {
            ComparisonEntry(
                contender: $0.server, manner: "\(ComparedRow.idleConnections) connections", values: values[$0] ?? [],
                p99Nanoseconds: [], serverNanoseconds: [])
        }
        return Self.row(row, present, "bytes a connection", isHigherBetter: false, entries)
    }

    /// Two servers, of which one has the crowd, turn about.
    func playCrowd(_ row: ComparedRow) throws(LoadFailure) -> ComparisonRow {
        let alone = try fresh(.sluiced)
        let crowded = try fresh(.sluiced)
        defer {
            alone.end()
            crowded.end()
        }
        progress.begin("\(row.title): parking")
        let crowd = try ParkedCrowd(
            plan(row, .sluice, at: crowded, round: 0), receives: ComparedRow.crowd.receives,
            channels: ComparedRow.crowd.channels)
        defer { crowd.dismiss() }
        var results: [[RunResult]] = [[], []]
        for round in 1...rounds {
            for (index, process) in [crowded, alone].enumerated() {
                announce(row, round, index == 0 ? "beside them" : "alone")
                var plan = plan(row, .sluice, at: process, round: round)
                ParkedCrowd.castStreams(&plan)
                results[index].append(try Run.carryOut(plan) { [progress] in progress.show($0) })
            }
        }
        let entries = zip(["beside them", "alone"], results).map { manner, results in
            var entry = Self.entry(Contestant.sluice.server, manner, results)
            entry.values = results.compactMap(Self.serverNanoseconds)
            entry.serverNanoseconds = []
            return entry
        }
        return Self.row(row, row.contestants, "ns of the server a message", isHigherBetter: false, entries)
    }
}
