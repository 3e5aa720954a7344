public import SluiceRuntime
import SluiceWire

/// That a process has failed, and is started again.
public struct ProcessFailure: Sendable {
    /// What the process is called.
    public let name: String
    /// What it does.
    public let kind: BuiltInProcess.Kind
    /// Why it has failed.
    public let error: any Error
    /// How long it rests before it is started again.
    public let delay: Duration
}

extension Hub {
    /// Runs a built-in process on the hub's reactor until the returned task is cancelled, or the hub drains.
    ///
    /// When the process fails, because one of its channels has ended or a limit is reached, it is started again after a
    /// second; after two when that was no use, and so on up to a minute. Once it has run for a minute, the next failure
    /// counts as the first one. What it does is seen in `INFO`; it stays there once it was stopped, until one of the
    /// same name is started.
    ///
    /// - Parameter report: told of each failure, on the reactor's thread.
    /// - Throws: `.misuse` when a process of that name is running.
    @discardableResult
    public func start(
        _ process: BuiltInProcess, report: @escaping @Sendable (ProcessFailure) -> Void = { _ in }
    ) throws(SluiceError) -> GreenTask<Void> {
        let status = ProcessStatus(of: process)
        guard processes.add(status) else {
            throw SluiceError(.misuse, "a process called '\(process.name)' is running already")
        }
        return timekeeper.spawn("process \(process.name)") { [self] in
            await supervise(process, status, report)
            status.update { $0.state = .stopped }
        }
    }

    /// Runs the process, again and again, until the task is cancelled.
    private func supervise(
        _ process: BuiltInProcess, _ status: ProcessStatus, _ report: @Sendable (ProcessFailure) -> Void
    ) async {
        var restartDelay = RestartDelay()
        while true {
            let start = timekeeper.nowNanoseconds
            do {
                return try await RunningProcess(client(process.name), status).run(process.work)
            } catch {
                if Task.isCancelled || isDraining { return }
                let delay = restartDelay.next(afterNanoseconds: timekeeper.nowNanoseconds - start)
                status.update {
                    $0.state = .waitingToRestart
                    $0.lastError = "\(error)"
                }
                report(ProcessFailure(name: process.name, kind: process.work.kind, error: error, delay: delay))
                guard (try? await sleep(for: delay)) != nil else { return }
                status.update {
                    $0.state = .running
                    $0.restarts += 1
                }
            }
        }
    }
}

/// The wait before a failed process is started again: it doubles with each failure, up to a bound, and starts over after a
/// run that lasted as long as the bound.
private struct RestartDelay {
    private static let shortest = Duration.seconds(1)
    private static let longest = Duration.seconds(60)

    private var delay = shortest

    /// - Parameter nanoseconds: how long the process ran before it failed.
    mutating func next(afterNanoseconds nanoseconds: UInt64) -> Duration {
        if nanoseconds >= Self.longest.wholeNanoseconds { delay = Self.shortest }
        defer { delay = min(delay * 2, Self.longest) }
        return delay
    }
}
