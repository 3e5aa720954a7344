import CLibev
import Glibc
import Synchronization

/// A program that runs as a child of this process. Its pipes are streams, and tasks can wait for its end, in selects too.
///
/// ```swift
/// let sorter = try Subprocess.start(["sort", "-n"], .init(input: .pipe, output: .pipe))
/// try await sorter.input?.write("2\n1\n".utf8)
/// try sorter.input?.shutdownWrite()
/// ```
///
/// The kernel tells of the end through a descriptor (`pidfd_open`, Linux 5.3 or later), so that nothing else in the process
/// must handle `SIGCHLD`, and other libraries may have children of their own. A task of the reactor collects the status,
/// whether somebody waits for it or not. The program is not ended when nothing refers to the value any more, nor when the
/// reactor ends. After gevent's `subprocess`.
public final class Subprocess: Sendable {
    /// The name or the path of the program.
    public let name: String
    /// The number of the process. It may be another one's after this one has ended: send signals with `signal`.
    public let processID: Int32
    /// The pipe to the standard input of the program; nil unless that is `.pipe`. `shutdownWrite` ends the input.
    public let input: Stream?
    /// The pipe from the standard output of the program; nil unless that is `.pipe`.
    public let output: Stream?
    /// The pipe from the standard error of the program; nil unless that is `.pipe`.
    public let errorOutput: Stream?

    private let leadsGroup: Bool
    /// Holds the status once the program has ended.
    private let end: Channel<ExitStatus>
    /// Whether the status was collected, after which the number may belong to another process.
    private let isCollected = Lock(false)

    // MARK: Starting

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: the program and its arguments. A name without a slash is looked up in the `PATH`.
    ///   - options: what the standard descriptors of the program are, and its surroundings. By default it shares those of
    ///     this process.
    ///   - reactor: the reactor whose tasks use the subprocess; nil for that of the calling task.
    /// - Throws: `.system` when the program does not exist or cannot be run; `.misuse` when there is no name, when an
    ///   argument contains a zero byte, and off the reactors if `reactor` is nil.
    public static func start(
        _ arguments: [String], _ options: Options = Options(), on reactor: Reactor? = nil
    ) throws(SluiceError) -> Subprocess {
        try Subprocess(arguments, options, on: Reactor.given(reactor, for: arguments.first ?? "subprocess"))
    }

    private init(_ arguments: [String], _ options: Options, on reactor: Reactor) throws(SluiceError) {
        let name = arguments.first ?? ""
        var launch = try ProcessLaunch(arguments, options)
        input = try launch.redirect(STDIN_FILENO, options.input, "the standard input of '\(name)'", on: reactor)
        output = try launch.redirect(STDOUT_FILENO, options.output, "the standard output of '\(name)'", on: reactor)
        errorOutput = try launch.redirect(
            STDERR_FILENO, options.errorOutput, "the standard error of '\(name)'", on: reactor)
        processID = try launch.start()
        self.name = name
        leadsGroup = options.leadsGroup
        end = Channel(.once, name: "\(name), process \(processID)", role: .subprocess)
        let number = clibev_pidfd_open(processID)
        guard number >= 0 else {
            let error = SluiceError(system: errno, "cannot wait for '\(name)'")
            kill(processID, SIGKILL)
            waitpid(processID, nil, 0)
            throw error
        }
        let watch = DescriptorWatch(Descriptor(owning: number), on: reactor, as: .other("the end of '\(name)'"))
        reactor.spawn("end of '\(name)', process \(processID)") { [self] in await collect(watch) }
    }

    /// Waits for the end of the program, and collects its status.
    private func collect(_ watch: DescriptorWatch) async {
        defer { watch.close() }
        while (try? await watch.waitReadable()) != nil {
            var status: Int32 = 0
            let process = isCollected.withLock { isCollected in
                let process = waitpid(processID, &status, WNOHANG)
                isCollected = process != 0
                return process
            }
            if process > 0 {
                _ = end.attemptSend(ExitStatus(waitStatus: status), inTurn: false)
            } else if process < 0 {
                end.close(reason: "something else in this process has collected its status")
            }
            if process != 0 { return }
        }
        end.close(reason: "its reactor has ended")
    }

    // MARK: Ending

    /// How the program has ended; nil while it runs. May be read on any thread.
    public var status: ExitStatus? {
        // The channel keeps the status for every receiver.
        guard case .message(let status) = end.attemptReceive(inTurn: false) else { return nil }
        return status
    }

    /// Waits for the end of the program.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short, while the program runs on; `.closed` when the
    ///   status is not known, because the reactor has ended, or something else in this process has collected it.
    @discardableResult
    public func wait(timeout: Duration? = nil) async throws(SluiceError) -> ExitStatus {
        guard let status = try await end.receive(timeout: timeout) else { throw end.endingError }
        return status
    }

    /// Creates a select arm that is taken when the program has ended. `action` gets the status.
    public func ending<Output>(_ action: @escaping (ExitStatus) async throws -> Output) -> SelectArm<Output> {
        end.receiving { [end] status in
            guard let status else { throw end.endingError }
            return try await action(status)
        }
    }

    /// Sends a signal, such as `SIGTERM`, to the program, and to its group if it leads one. May be called from any thread.
    ///
    /// - Returns: false when the program has ended.
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        isCollected.withLock { isCollected in
            // Until the status is collected, the number belongs to no other process.
            !isCollected && kill(leadsGroup ? -processID : processID, number) == 0
        }
    }

    /// Ends the program: sends `SIGTERM`, and `SIGKILL` when it has not ended after `grace`.
    ///
    /// - Returns: how the program has ended.
    /// - Throws: `.cancelled`, and then the program may run on; `.closed` as `wait`.
    @discardableResult
    public func stop(grace: Duration = .seconds(5)) async throws(SluiceError) -> ExitStatus {
        signal(SIGTERM)
        do throws(SluiceError) {
            return try await wait(timeout: grace)
        } catch {
            guard error.code == .timedOut else { throw error }
        }
        signal(SIGKILL)
        return try await wait()
    }
}

extension Subprocess {
    /// Runs a program to its end, and returns what it has written.
    ///
    /// ```swift
    /// let log = try await Subprocess.run(["git", "log", "--oneline"], timeout: .seconds(10))
    /// ```
    ///
    /// This returns when the program has ended and its output too, which a process that the program has left behind may
    /// keep open. If this throws, the program is killed with `SIGKILL`.
    ///
    /// - Parameters:
    ///   - arguments: see `start`.
    ///   - bytes: the standard input of the program.
    ///   - options: the environment, the folder and the group. The redirections are not used.
    ///   - limit: the most bytes of the output, and of the standard error.
    ///   - timeout: the longest time for the whole; nil for no limit.
    /// - Throws: what `start` throws; `.refused` when the program writes more than `limit`; `.timedOut`, `.cancelled`.
    public static func run(
        _ arguments: [String], input bytes: [UInt8] = [], options: Options = Options(), upTo limit: Int = 16 << 20,
        timeout: Duration? = nil
    ) async throws -> Completed {
        var options = options
        (options.input, options.output, options.errorOutput) = (bytes.isEmpty ? .null : .pipe, .pipe, .pipe)
        let process = try start(arguments, options)
        do {
            guard let timeout else { return try await process.complete(with: bytes, upTo: limit) }
            return try await withTimeout(timeout) { try await process.complete(with: bytes, upTo: limit) }
        } catch {
            process.signal(SIGKILL)
            throw error
        }
    }

    private func complete(with bytes: [UInt8], upTo limit: Int) async throws -> Completed {
        let (_, written, complaints) = try await parallel(
            { [input] in
                do throws(SluiceError) {
                    try await input?.write(bytes)
                    try input?.shutdownWrite()
                } catch {
                    // The program need not read its input.
                    guard error.errno == EPIPE else { throw error }
                    input?.close()
                }
            },
            { [output] in try await output?.readToEnd(upTo: limit) ?? [] },
            { [errorOutput] in try await errorOutput?.readToEnd(upTo: limit) ?? [] })
        return Completed(status: try await wait(), output: written, errorOutput: complaints)
    }
}

extension Stream {
    /// Reads until the peer has finished writing.
    ///
    /// - Parameters:
    ///   - limit: the most bytes.
    ///   - timeout: the longest wait for each read; nil waits without a limit.
    /// - Throws: `.refused` when there are more than `limit`; what `read` throws.
    public func readToEnd(upTo limit: Int = 64 << 20, timeout: Duration? = nil) async throws(SluiceError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = try await read(upTo: 16_384, timeout: timeout)
            if bytes.isEmpty { return all }
            guard bytes.count <= limit - all.count else {
                throw SluiceError(.refused, "\(watch.waitDescription) has sent more than \(limit) bytes")
            }
            all += bytes
        }
    }
}
