// Runs the example that the command line names: see docs/examples/run.

import Foundation

@main
enum Examples {
    static let all: [String: @Sendable () async throws -> Void] = [
        "barber": barber,
        "barber-remote": barberRemote,
        "calculator-remote": calculatorRemote,
        "chat": chat,
        "commstime": commstime,
        "commstime-remote": commstimeRemote,
        "crawler": crawler,
        "fan": fan,
        "fan-remote": fanRemote,
        "gevent-twin": geventTwin,
        "idioms": idioms,
        "lock": lock,
        "mandelbrot": mandelbrot,
        "philosophers": philosophers,
        "pipelines": pipelines,
        "powser": powser,
        "ranks": ranks,
        "ring": ring,
        "ring-remote": ringRemote,
        "santa": santa,
        "santa-remote": santaRemote,
        "sieve": sieve,
        "sieve-remote": sieveRemote,
        "skynet": skynet,
        "skynet-remote": skynetRemote,
        "supervisor": supervisor,
    ]

    static func main() async throws {
        guard let name = CommandLine.arguments.dropFirst().first else {
            return print(all.keys.sorted().joined(separator: "\n"))
        }
        guard let example = all[name] else {
            note("unknown example '\(name)'; docs/examples/run lists all")
            exit(64)
        }
        try await example()
    }
}
