import Glibc

// PingLoad PORT DIALECT CONNECTIONS PIPELINED SECONDS
//
// Keeps CONNECTIONS connections to 127.0.0.1:PORT busy for SECONDS: each writes PIPELINED pings, reads exactly that many
// replies, compares every byte of them, and begins again, after a warm-up of a tenth of the time. One thread, one epoll,
// one read and one write a batch: a server that does the same has more to do than this program. "load-cpu" is the
// processor time of this program, which tells whether the server or the load was the limit.

guard CommandLine.arguments.count == 6,
    let port = UInt16(CommandLine.arguments[1]),
    let dialect = Dialect(rawValue: CommandLine.arguments[2]),
    let connections = Int(CommandLine.arguments[3]), connections > 0,
    let pipelined = Int(CommandLine.arguments[4]), pipelined > 0,
    let seconds = Double(CommandLine.arguments[5]), seconds > 0
else {
    let dialects = Dialect.allCases.map(\.rawValue).joined(separator: "|")
    fail("usage: PingLoad PORT \(dialects) CONNECTIONS PIPELINED SECONDS", exitCode: EX_USAGE)
}

do {
    let load = try Load(port: port, dialect: dialect, connections: connections, pipelined: pipelined)
    let warmUp = try load.run(seconds: seconds / 10)
    let cpuBefore = secondsNow(CLOCK_PROCESS_CPUTIME_ID)
    let begin = secondsNow(CLOCK_MONOTONIC)
    let requests = try load.run(seconds: seconds)
    let elapsed = secondsNow(CLOCK_MONOTONIC) - begin
    print("requests \(requests) count")
    print("requests-with-warm-up \(requests + warmUp) count")
    print("elapsed \(elapsed) s")
    print("load-cpu \(secondsNow(CLOCK_PROCESS_CPUTIME_ID) - cpuBefore) s")
} catch {
    fail("PingLoad: \(error)", exitCode: EX_IOERR)
}

func secondsNow(_ clock: clockid_t) -> Double {
    var now = timespec()
    clock_gettime(clock, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

func fail(_ message: String, exitCode: Int32) -> Never {
    let line = Array("\(message)\n".utf8)
    write(STDERR_FILENO, line, line.count)
    exit(exitCode)
}
