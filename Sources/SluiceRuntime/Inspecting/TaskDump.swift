import Glibc
import Synchronization

/// Shows what the green tasks of a running program wait for: on a signal, or over a Unix-domain socket. After gevent's
/// `gevent.util.print_run_info` and its backdoor; unlike that, it only reads.
///
/// ```swift
/// let dump = try TaskDump(of: [reactor])
/// try await dump.print(on: SIGQUIT)
/// try await dump.serve(at: "/run/crawler.tasks")  // socat - UNIX-CONNECT:/run/crawler.tasks
/// ```
///
/// A dump has a line for each task, with its name, what it waits for and for how long, and below it the functions that
/// wait, with their places in the program. `addr2line -e PROGRAM PLACE` converts a place to a file and a line. The dump has
/// a thread of its own, so it works while a loop is blocked, and then names the task that blocks the loop. It ends with
/// `stop`, or when nothing refers to it any more.
public final class TaskDump: Sendable {
    private let reactors: [Reactor]
    /// Runs the tasks of the dump itself.
    private let own: Reactor

    /// The time that a reactor's loop has to answer.
    private static let patience = Duration.seconds(1)
    /// The most connections at a time, and the time that each has to take the text.
    private static let connectionLimit = 4
    private static let writingTime = Duration.seconds(10)

    /// Starts the thread.
    ///
    /// - Parameter reactors: whose tasks are shown.
    /// - Throws: `.system` when there is no descriptor or no thread for the dump.
    public init(of reactors: [Reactor]) throws(SluiceError) {
        self.reactors = reactors
        own = try Reactor(name: "task dump")
        try own.start()
    }

    deinit { own.stop() }

    /// Ends the thread, and with it the socket and the watch on the signal. May be called from any thread.
    public func stop() { own.stop() }

    /// Returns the dump as text. May be called by any task on any thread.
    public func text() async -> String { await Self.text(of: reactors) }

    /// Writes the dump to standard error whenever the process gets a signal, such as `SIGQUIT`.
    ///
    /// - Throws: `.misuse` when the signal is watched already or cannot be watched; `.cancelled` after `stop`.
    public func print(on signal: Int32) async throws {
        try await onOwnReactor { own, reactors in
            let watcher = try own.signals(signal)
            own.spawn("signal \(signal)") {
                while true {
                    _ = try await watcher.next()
                    Self.write(await Self.text(of: reactors))
                }
            }
        }
    }

    /// Listens at a path of the file system, to which the program's own user may connect, and writes the dump to each
    /// connection.
    ///
    /// - Throws: what `Listener.bind` throws; `.cancelled` after `stop`.
    public func serve(at path: String) async throws {
        try await onOwnReactor { own, reactors in
            let listener = try Listener.bind(to: .unix(path: path), on: own)
            own.spawn("listener at \(path)") {
                defer { listener.close() }
                try await listener.serve(limit: Self.connectionLimit) { stream in
                    try await stream.write(Array(await Self.text(of: reactors).utf8), timeout: Self.writingTime)
                }
            }
        }
    }

    private func onOwnReactor(_ body: @escaping @Sendable (Reactor, [Reactor]) async throws -> Void) async throws {
        try await own.spawn("start") { [own, reactors] in try await body(own, reactors) }.value
    }

    private static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    // MARK: Text

    private static func text(of reactors: [Reactor]) async -> String {
        var text = ""
        for reactor in reactors {
            do {
                text += describe(try await reactor.taskReports(timeout: patience), of: reactor)
            } catch {
                text += "\(reactor.name): \(obstacle(of: reactor))\n"
            }
        }
        return text
    }

    private static func describe(_ tasks: [TaskReport], of reactor: Reactor) -> String {
        let names = CodeSymbols.names(of: Set(tasks.flatMap(\.frames)))
        var text = "\(reactor.name): \(tasks.count) \(tasks.count == 1 ? "task" : "tasks")\n"
        for task in tasks {
            text += "  \(task)\n"
            for frame in task.frames { if let name = names[frame] { text += "      \(name)\n" } }
        }
        return text
    }

    /// Why a reactor does not answer.
    private static func obstacle(of reactor: Reactor) -> String {
        guard reactor.isRunning else { return "no thread runs the loop" }
        let progress = reactor.progress
        guard let job = progress.currentJob else { return "the loop does not answer" }
        let task = progress.taskName(ofJob: job).map { "task '\($0)'" } ?? "a task without a name"
        return "the loop is blocked by \(task)"
    }
}
