// A supervisor of subprocesses. It starts programs, reads what they print, starts a program again that has failed, and
// stops those that still run at the end.
//
//     make example NAME=supervisor            runs this program
//     make example NAME=supervisor-gevent     runs the one for gevent

import SluiceRuntime

func supervisor() throws {
    let services = [
        Service(name: "greeter", command: "echo hello"),
        Service(name: "flaky", command: "echo attempt $ATTEMPT; test $ATTEMPT = 3"),
        Service(name: "hopeless", command: "echo trying; kill -9 $$"),
        Service(name: "server", command: "echo ready; exec sleep 3600"),
    ]
    let reactor = try Reactor()
    try reactor.run {
        let stop = Event(name: "stop")
        let logs = try await withNursery("services") { nursery in
            let tasks = services.map { service in
                nursery.spawn(service.name) { try await service.supervise(until: stop) }
            }
            // The server is the only one that ends when it is told to.
            for task in tasks.dropLast() { _ = try await task.join() }
            stop.set()
            var logs: [[String]] = []
            for task in tasks { logs.append(try await task.value) }
            return logs
        }
        for (service, log) in zip(services, logs) { print("\(service.name): \(log.joined(separator: ", "))") }
    }
}

private struct Service {
    let name: String
    let command: String

    private static let mostAttempts = 3
    private static let pause = Duration.milliseconds(20)

    /// Runs the program until it has done its work, has failed too often, or is told to stop.
    ///
    /// - Returns: what it has printed, and how it has ended.
    func supervise(until stop: Event) async throws -> [String] {
        var log: [String] = []
        for attempt in 1...Self.mostAttempts {
            var options = Subprocess.Options(input: .null, output: .pipe)
            options.environment = ["ATTEMPT": "\(attempt)", "PATH": "/usr/bin:/bin"]
            let process = try Subprocess.start(["sh", "-c", command], options)
            let (lines, status) = try await parallel(
                { try await Self.lines(of: process) },
                { try await Self.end(of: process, or: stop) })
            log += lines + ["\(status)"]
            if status.isSuccess || stop.isSet { return log }
            try await sleep(for: Self.pause * attempt)
        }
        return log + ["given up"]
    }

    private static func lines(of process: Subprocess) async throws -> [String] {
        guard let output = process.output else { return [] }
        let reader = StreamReader(output)
        var lines: [String] = []
        while let line = try await reader.readLine() { lines.append(line) }
        return lines
    }

    private static func end(of process: Subprocess, or stop: Event) async throws -> Subprocess.ExitStatus {
        try await select {
            process.ending { status in status }
            stop.waiting { try await process.stop(grace: .seconds(5)) }
        }
    }
}
