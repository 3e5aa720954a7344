// Runs the example that is named on the command line: see docs/examples/run.

@main
enum Examples {
    static let all: [String: @Sendable () async throws -> Void] = [
        "barber": barber,
        "barber-remote": barberRemote,
        "commstime": commstime,
        "commstime-remote": commstimeRemote,
        "fan": fan,
        "fan-remote": fanRemote,
        "gevent-twin": geventTwin,
        "idioms": idioms,
        "lock": lock,
        "mandelbrot": mandelbrot,
        "philosophers": philosophers,
        "ranks": ranks,
        "ring": ring,
        "ring-remote": ringRemote,
        "santa": santa,
        "santa-remote": santaRemote,
        "sieve": sieve,
        "sieve-remote": sieveRemote,
        "skynet": skynet,
    ]

    static func main() async throws {
        guard CommandLine.arguments.count == 2, let example = all[CommandLine.arguments[1]] else {
            print(all.keys.sorted().joined(separator: "\n"))
            return
        }
        try await example()
    }
}
