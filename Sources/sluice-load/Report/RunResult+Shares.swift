extension RunResult {
    var title: String { "\(workload) on \(target)" }

    /// The server's processor time for an operation; nil when it is unknown, or there were no operations.
    var serverNanoseconds: Double? {
        operations > 0 ? serverSeconds.map { $0 * 1e9 / Double(operations) } : nil
    }

    /// The share of the time in which the generator was busy.
    var generatorShare: Double? {
        seconds > 0 && generatorSeconds.isFinite ? generatorSeconds / (seconds * Double(generatorThreads)) : nil
    }

    /// How many threads generated the load, by the settings; 1 without any.
    private var generatorThreads: Int {
        settings.first { $0.name == "threads" }.flatMap { Int($0.value) }.map { max(1, $0) } ?? 1
    }

    /// How busy the generator was, if it was busy enough to limit the result; else nil.
    fileprivate var generatorExcess: Double? {
        // Below 1, since other processes take some time from a generator that would use all of it.
        generatorShare.flatMap { $0 >= 0.9 ? $0 : nil }
    }

    var generatorWarning: String? {
        generatorExcess.map {
            "the generator was \(Quantity.share.text($0)) busy: it was the limit, not the server"
        }
    }
}

extension [RunResult] {
    /// One warning for all runs of a workload on a server.
    var generatorWarnings: [String] {
        var titles: [String] = []
        var excesses: [String: [Double]] = [:]
        for run in self {
            guard let excess = run.generatorExcess else { continue }
            if excesses[run.title] == nil { titles.append(run.title) }
            excesses[run.title, default: []].append(excess)
        }
        return titles.compactMap { title in
            guard let excesses = excesses[title], let most = excesses.max() else { return nil }
            let runs = excesses.count == 1 ? "a run" : "\(excesses.count) runs"
            return "\(title): the generator was the limit in \(runs), up to \(Quantity.share.text(most)) busy"
        }
    }
}
