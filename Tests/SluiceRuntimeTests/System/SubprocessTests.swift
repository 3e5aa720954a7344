import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `test__subprocess.py`.
@Suite(.bounded) struct SubprocessTests {
    @Test("A program gets input through a pipe, and its output and its status come back")
    func pipes() throws {
        try Reactor().run {
            let sorter = try Subprocess.start(["sort", "-n"], .init(input: .pipe, output: .pipe))
            #expect(sorter.errorOutput == nil)
            try await sorter.input?.write("10\n9\n".utf8)
            try sorter.input?.shutdownWrite()
            let output = try #require(sorter.output)
            #expect(String(decoding: try await output.readToEnd(), as: UTF8.self) == "9\n10\n")
            #expect(try await sorter.wait() == .exited(0))
            #expect(sorter.status == .exited(0))
            #expect(try await sorter.wait() == .exited(0), "the status is kept")
        }
    }

    @Test("More output than a pipe holds arrives while the input is written")
    func muchOutput() throws {
        try Reactor().run {
            let bytes = [UInt8](repeating: 7, count: 1 << 20)
            let copy = try await Subprocess.run(["cat"], input: bytes)
            #expect(copy == .init(status: .exited(0), output: bytes, errorOutput: []))
        }
    }

    @Test("The status says whether the program ended by itself or by a signal")
    func statuses() throws {
        try Reactor().run {
            let complaint = try await Subprocess.run(["sh", "-c", "echo no >&2; exit 3"])
            #expect(complaint.status == .exited(3))
            #expect(complaint.errorOutput == Array("no\n".utf8))
            #expect(!complaint.status.isSuccess)
            let sleeper = try Subprocess.start(["sleep", "3600"])
            #expect(sleeper.status == nil)
            #expect(sleeper.signal(SIGTERM))
            let status = try await sleeper.wait()
            #expect(status == .killed(signal: SIGTERM))
            #expect("\(status)" == "signal 15")
            #expect(!sleeper.signal(SIGTERM), "it has ended")
        }
    }

    @Test("A program that does not exist, and arguments that no program can get, are refused")
    func refusals() throws {
        try Reactor().run {
            #expect(await failure { _ = try Subprocess.start(["/does/not/exist"]) }?.errno == ENOENT)
            #expect(await failure { _ = try Subprocess.start([]) }?.code == .misuse)
            #expect(await failure { _ = try Subprocess.start(["echo", "a\0b"]) }?.code == .misuse)
            var elsewhere = Subprocess.Options(output: .pipe)
            elsewhere.directory = "/does/not/exist"
            #expect(await failure { _ = try Subprocess.start(["true"], elsewhere) }?.errno == ENOENT)
            let closed = Subprocess.Options(output: .descriptor(-1))
            #expect(await failure { _ = try Subprocess.start(["true"], closed) }?.errno == EBADF)
        }
        #expect(throws: SluiceError.self) { try Subprocess.start(["true"]) }
    }

    @Test("The environment, the folder and the redirections are those of the options")
    func surroundings() throws {
        try Reactor().run {
            var options = Subprocess.Options()
            options.environment = ["COLOUR": "green"]
            options.directory = "/usr"
            let result = try await Subprocess.run(["/bin/sh", "-c", "echo $COLOUR $HOME; pwd; cat"], options: options)
            #expect(result.output == Array("green\n/usr\n".utf8), "its input is empty")

            let pipe = try PipeEnds()
            let echo = try Subprocess.start(["echo", "hello"], .init(output: .descriptor(pipe.writing.number)))
            try await echo.wait()
            var bytes = [UInt8](repeating: 0, count: 10)
            #expect(bytes.withUnsafeMutableBytes { read(pipe.reading.number, $0.baseAddress, 10) } == 6)
        }
    }

    @Test("A program has no descriptors of this process but those that it is given, and the usual signals")
    func inheritance() throws {
        try Reactor().run {
            let listing = try await Subprocess.run(["ls", "/proc/self/fd"])
            let numbers = String(decoding: listing.output, as: UTF8.self).split(separator: "\n").compactMap {
                Int32($0)
            }
            // One is that of the folder. The tests may have inherited others, which are passed on.
            #expect(numbers.count { fcntl($0, F_GETFD) != 0 } <= 1, "\(numbers)")
            let signals = try await Subprocess.run(["grep", "SigIgn", "/proc/self/status"])
            let digits = String(decoding: signals.output, as: UTF8.self).drop { $0 != "\t" }.dropFirst().dropLast()
            let ignored = try #require(UInt64(digits, radix: 16))
            #expect(ignored & 1 << UInt64(SIGPIPE - 1) == 0)
        }
    }

    @Test("A wait has a timeout and can be cancelled, and a select waits for the end")
    func waits() throws {
        try Reactor().run {
            let sleeper = try Subprocess.start(["sleep", "3600"])
            #expect(await failure { try await sleeper.wait(timeout: .zero) }?.code == .timedOut)
            let waiter = Reactor.current?.spawn { try await sleeper.wait() }
            let task = try #require(waiter)
            try await parked(task)
            #expect(task.report.contains("wait for subprocess 'sleep, process \(sleeper.processID)'"))
            task.cancel()
            #expect(await failure { _ = try await task.join() }?.code == .cancelled)
            sleeper.signal(SIGKILL)
            let end = try await select {
                sleeper.ending { "\($0)" }
                Channel<Int>().receiving { _ in "never" }
            }
            #expect(end == "signal 9")
        }
    }

    @Test("Stopping ends a program that ignores SIGTERM, after the time of grace")
    func stopping() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let polite = try Subprocess.start(["sleep", "3600"])
            #expect(try await polite.stop() == .killed(signal: SIGTERM))

            let stubborn = try Subprocess.start(
                ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], .init(output: .pipe))
            _ = try await stubborn.output?.read(upTo: 10)
            let stop = reactor.spawn { try await stubborn.stop(grace: .seconds(5)) }
            try await parked(stop)
            #expect(stubborn.status == nil)
            clock.advance(by: .seconds(5))
            #expect(try await stop.join() == .killed(signal: SIGKILL))
        }
    }

    @Test("A signal reaches the whole group of a program that leads one")
    func groups() throws {
        try Reactor().run {
            var options = Subprocess.Options(output: .pipe)
            options.leadsGroup = true
            let shell = try Subprocess.start(["sh", "-c", "sleep 3600 & echo ready; wait"], options)
            let output = try #require(shell.output)
            #expect(try await output.read(upTo: 10) == Array("ready\n".utf8))
            shell.signal(SIGTERM)
            // The pipe ends when the sleeping process has ended too.
            #expect(try await output.readToEnd() == [])
            #expect(try await shell.wait() == .killed(signal: SIGTERM))
        }
    }

    @Test("A run that takes too long, writes too much or is cancelled kills the program")
    func limits() throws {
        let reactor = try Reactor()
        try reactor.run {
            #expect(await failure { _ = try await Subprocess.run(["yes"], upTo: 1000) }?.code == .refused)
            #expect(
                await failure { _ = try await Subprocess.run(["sleep", "3600"], timeout: .milliseconds(1)) }?.code
                    == .timedOut)
            let run = reactor.spawn { try await Subprocess.run(["sleep", "3600"]) }
            try await parked(run)
            run.cancel()
            #expect(await failure { _ = try await run.join() }?.code == .cancelled)
            // The tasks that collect the status end when their programs have.
            try await until("all programs have ended") { reactor.tasks.count == 1 }
        }
    }

    @Test("A program that does not read its input does not fail the run")
    func unreadInput() throws {
        try Reactor().run {
            let result = try await Subprocess.run(["true"], input: [UInt8](repeating: 0, count: 1 << 20))
            #expect(result.status.isSuccess)
        }
    }

    @Test("When the reactor ends, the program runs on, and later waits say why they fail")
    func theReactorEnds() throws {
        let reactor = try Reactor()
        let sleeper = try reactor.run { try Subprocess.start(["sleep", "3600"]) }
        #expect(sleeper.status == nil)
        #expect(sleeper.signal(SIGKILL))
        var status: Int32 = 0
        #expect(waitpid(sleeper.processID, &status, 0) == sleeper.processID)
        try Reactor().run {
            let error = await failure { try await sleeper.wait() }
            #expect(error?.code == .closed)
            #expect(error?.message.hasSuffix("its reactor has ended") == true)
        }
    }
}
