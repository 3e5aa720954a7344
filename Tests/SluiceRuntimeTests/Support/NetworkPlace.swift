import SeededRandom

@testable import SluiceRuntime

/// Where the processes of a test run.
enum NetworkPlace: CaseIterable, Sendable {
    case reactor
    /// The processes alternate between two reactors, so that they meet across threads.
    case twoReactors
    /// Tasks that are not green tasks.
    case pool

    /// Runs all `processes`, and returns once they have ended.
    func run(_ processes: [@Sendable () async throws -> Void]) async throws {
        switch self {
        case .reactor:
            try await withStartedReactor { reactor in
                for task in processes.map({ reactor.spawn("process", $0) }) { try await task.join() }
            }
        case .twoReactors:
            try await withStartedReactor { first in
                try await withStartedReactor { second in
                    let tasks = processes.enumerated().map { index, process in
                        (index.isMultiple(of: 2) ? first : second).spawn("process", process)
                    }
                    for task in tasks { try await task.join() }
                }
            }
        case .pool:
            try await withThrowingTaskGroup { group in
                for process in processes { group.addTask { try await process() } }
                try await group.waitForAll()
            }
        }
    }
}

/// How often a process yields to the others.
enum Pace: CaseIterable, Sendable {
    case never
    case once
    case random

    typealias Pair = (reader: Pace, writer: Pace)
    static let pairs: [Pair] = allCases.flatMap { reader in allCases.map { (reader, $0) } }

    func pauses() -> Pauses { Pauses(pace: self) }

    struct Pauses {
        let pace: Pace
        private var random = SeededGenerator(seed: 7333)

        init(pace: Pace) { self.pace = pace }

        mutating func pause() async {
            let count =
                switch pace {
                case .never: 0
                case .once: 1
                case .random: Int.random(in: 0..<4, using: &random)
                }
            for _ in 0..<count { await Task.yield() }
        }
    }
}
