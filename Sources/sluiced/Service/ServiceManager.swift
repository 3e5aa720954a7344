import Dispatch
import Glibc
import Logging
import SluiceHub
import SluiceRuntime
import Synchronization

/// Tells the service manager what the daemon does: that it is ready, reads its configuration again, stops, and is alive.
///
/// Without a service manager, the methods do nothing. They may be called from any thread, and never wait.
final class ServiceManager: Sendable {
    /// The time in which the service manager expects a sign of life; nil if it expects none.
    let watchdogLimit: Duration?

    private let socket: NotifySocket?
    /// Sends in order, off the reactors.
    private let queue = DispatchQueue(label: "sluiced/notify")
    /// Where the first failure is reported.
    private let log = Lock<DaemonLog?>(nil)
    /// The last line `STATUS`, which is not repeated.
    private let lastStatus = Lock("")
    /// What is wrong, although the daemon serves.
    private let problem = Lock<String?>(nil)

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///
    /// - Parameter process: the number of this process.
    init(_ environment: [String: String], process: Int32 = getpid()) throws(SettingsError) {
        socket = try NotifySocket(environment)
        watchdogLimit = try Self.watchdogLimit(environment, process: process)
    }

    private static func watchdogLimit(
        _ environment: [String: String], process: Int32
    ) throws(SettingsError) -> Duration? {
        guard let text = environment["WATCHDOG_USEC"], !text.isEmpty else { return nil }
        if let ownerText = environment["WATCHDOG_PID"], !ownerText.isEmpty {
            guard let owner = Int32(ownerText), owner > 0 else {
                throw SettingsError(
                    "WATCHDOG_PID: \(ownerText.debugDescription) is not the number of a process", status: .configuration
                )
            }
            guard owner == process else { return nil }
        }
        guard let microseconds = Int64(text), microseconds > 0 else {
            throw SettingsError(
                "WATCHDOG_USEC: \(text.debugDescription) is not a number of microseconds above 0",
                status: .configuration)
        }
        return .microseconds(microseconds)
    }

    /// Reports failures to a log from now on.
    func reportFailures(to log: DaemonLog) { self.log.withLock { $0 = log } }

    // MARK: States

    /// Tells that the daemon serves.
    ///
    /// - Parameter problem: what the status should say until the daemon is ready again; nil for nothing.
    func ready(_ status: String, despite problem: String? = nil) {
        self.problem.withLock { $0 = problem }
        tell(["READY=1"], problem.map { "\(status); \($0)" } ?? status)
    }

    /// Tells that the daemon reads its configuration. ``ready(_:)`` ends that.
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        tell(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"], "reading the configuration")
    }

    /// Tells that the daemon drains, and that it may take as long as `limit`.
    func stopping(within limit: Duration) {
        let microseconds = limit.components.seconds * 1_000_000
        tell(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(microseconds)"], "draining for at most \(limit)")
    }

    /// Tells what the daemon does, if that has changed.
    func status(_ status: String) {
        if lastStatus.withLock({ $0 != status }) { tell([], status) }
    }

    /// Tells how much the hub does, if that has changed.
    func report(_ hub: Hub) {
        guard socket != nil else { return }
        let counts = [
            (hub.connectionCount, "connection"), (hub.parkedCount, "waiting operation"), (hub.channelCount, "channel"),
        ]
        let texts = counts.map { count, noun in "\(count) \(noun)\(count == 1 ? "" : "s")" }
        let problem = problem.withLock { $0 }.map { "; \($0)" } ?? ""
        status("\(hub.isDraining ? "draining" : "serving"): \(texts.joined(separator: ", "))\(problem)")
    }

    /// Gives a sign of life.
    func beat() { send("WATCHDOG=1") }

    /// Gives signs of life as long as all loops turn, if the service manager expects them.
    ///
    /// - Returns: the tickers, which must be kept.
    func watch(_ reactors: [Reactor]) throws(SluiceError) -> [Ticker] {
        guard socket != nil, let watchdogLimit else { return [] }
        return try Watchdog.watch(reactors, within: watchdogLimit) { [self] in beat() }
    }

    /// Asks for more time while `work` runs, and gives signs of life, because no loop turns meanwhile. Stops asking after
    /// ``longestWork``, so that work which never ends does not keep the service manager from ending the process.
    func extendingTimeout<Result, Failure: Error>(
        during work: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard socket != nil else { return try work() }
        let lines = "EXTEND_TIMEOUT_USEC=\(Self.extensionMicroseconds)\nWATCHDOG=1"
        send(lines)
        let start = ContinuousClock.now
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + .seconds(1), repeating: .seconds(1))
        timer.setEventHandler { [self] in
            if start.duration(to: .now) < Self.longestWork { deliver(lines) }
        }
        timer.activate()
        defer { timer.cancel() }
        return try work()
    }

    /// The longest time for which ``extendingTimeout(during:)`` asks for more time. It is enough for the states of the
    /// largest machines: a million messages take about 8 seconds.
    private static let longestWork = Duration.seconds(15 * 60)
    /// The time that one request asks for. Longer than a pause of the machine.
    private static let extensionMicroseconds = 30_000_000

    /// Waits until everything is sent. That takes a few seconds at the most.
    func flush() { queue.sync {} }

    private func tell(_ lines: [String], _ status: String) {
        guard socket != nil else { return }
        lastStatus.withLock { $0 = status }
        // A line end would begin another variable.
        send((lines + ["STATUS=\(status.replacing("\n", with: " "))"]).joined(separator: "\n"))
    }

    private func send(_ lines: String) {
        if socket != nil { queue.async { [self] in deliver(lines) } }
    }

    /// Sends a datagram. Call it on the queue.
    private func deliver(_ lines: String) {
        guard let problem = socket?.send(lines) else { return }
        let log = log.withLock { $0.take() }
        log?.write(.warning, "cannot tell the service manager what the daemon does", ["error": problem])
    }
}
