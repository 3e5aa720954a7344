import TestSupport
import Testing

@testable import SluiceRuntime

/// Runs `body` with a reactor that has a thread of its own, and returns once that thread has ended.
func withStartedReactor<Result>(
    _ name: String = "reactor", clock: any ReactorClock = SystemReactorClock(),
    _ body: (Reactor) async throws -> Result
) async throws -> Result {
    let reactor = try Reactor(name: name, clock: clock)
    try reactor.start()
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(try await body(reactor))
    } catch {
        result = .failure(error)
    }
    reactor.stop()
    try await reactor.untilStopped()
    return try result.get()
}

/// How a reactor starts the green tasks of a test.
enum TaskStart: CaseIterable, Sendable {
    /// Each in a Swift task of its own, because it inherits the test's task-local values.
    case inheriting
    /// In reused Swift tasks, as in a program that sets no task-local values. Expectations belong outside.
    case inWorkers

    func perform<Success: Sendable>(_ body: @escaping @Sendable () throws -> Success) async throws -> Success {
        switch self {
        case .inheriting: try body()
        case .inWorkers: try await outsideOfTest(body)
        }
    }
}

extension Reactor {
    /// Waits until no thread runs the loop.
    func untilStopped(location: SourceLocation = #_sourceLocation) async throws {
        try await until("\(name) has stopped", sourceLocation: location) { !isRunning }
    }
}

/// Waits until each of the tasks is parked. For a task on the same reactor.
func parked(_ tasks: [TaskRecord], location: SourceLocation = #_sourceLocation) async throws {
    try await until("parked: \(tasks.map(\.report))", sourceLocation: location) { tasks.allSatisfy(\.isParked) }
}

func parked(_ task: TaskRecord, location: SourceLocation = #_sourceLocation) async throws {
    try await parked([task], location: location)
}

extension TaskRecord {
    /// Whether the task waits for something of this library.
    var isParked: Bool { !report.hasSuffix("waits on nothing of the reactor's") }
}

/// Waits until `channel` has `count` waiters. For tasks on and off the reactors.
func untilParked<Element: Sendable>(
    _ count: Int, on channel: Channel<Element>, location: SourceLocation = #_sourceLocation
) async throws {
    try await until("\(count) operations are parked, not \(channel.parkedCount)", sourceLocation: location) {
        channel.parkedCount == count
    }
}

/// Lets all other tasks run and the reactor poll the kernel.
func turn(of reactor: Reactor) async throws {
    let (near, far) = try Stream.pair(on: reactor)
    try await far.write("x".utf8)
    try await near.waitReadable()
}
