public import SluiceRuntime
import SluiceWire

/// Describes the failure of a process, which the hub restarts.
public struct ProcessFailure: Sendable {
    /// The name of the process.
    public let name: String
    /// The kind of the process.
    public let kind: BuiltInProcess.Kind
    /// The error that ended the process.
    public let error: any Error
    /// The time until the process is restarted.
    public let delay: Duration
}

extension Hub {
    /// Runs a built-in process on the hub's reactor until the returned task is cancelled, or the hub drains.
    ///
    /// If the process fails, because one of its channels has ended or a limit is reached, the hub restarts it after one
    /// second. The delay doubles with each further failure, up to a minute, and is one second again after a run of at
    /// least a minute. `INFO` reports the process, also after it has stopped, until another one of the same name is
    /// started.
    ///
    /// - Parameter report: called for each failure, on the reactor's thread.
    /// - Throws: `.misuse` if a process of the same name is running.
    @discardableResult
    public func start(
        _ process: BuiltInProcess, report: @escaping @Sendable (ProcessFailure) -> Void = { _ in }
    ) throws(SluiceError) -> GreenTask<Void> {
        let status = ProcessStatus(of: process)
        guard processes.add(status) else {
            throw SluiceError(.misuse, "a process with the name '\(process.name)' is already running")
        }
        return timekeeper.spawn("process \(process.name)") { [self] in
            await supervise(process, status, report)
            status.update { $0.state = .stopped }
        }
    }

    /// Runs the process, and restarts it after each failure, until the task is cancelled.
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

/// The delay before a failed process is restarted. It doubles with each failure up to a limit, and starts over after a
/// run that was at least as long as the limit.
private struct RestartDelay {
    private static let shortest = Duration.seconds(1)
    private static let longest = Duration.seconds(60)

    private var delay = shortest

    /// Returns the next delay.
    ///
    /// - Parameter nanoseconds: how long the process ran before it failed.
    mutating func next(afterNanoseconds nanoseconds: UInt64) -> Duration {
        if nanoseconds >= Self.longest.wholeNanoseconds { delay = Self.shortest }
        defer { delay = min(delay * 2, Self.longest) }
        return delay
    }
}
