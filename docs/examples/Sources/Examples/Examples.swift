// Runs the example that is named on the command line: see docs/examples/run.

@main
enum Examples {
    static let all: [String: @Sendable () throws -> Void] = [
        "barber": barber,
        "commstime": commstime,
        "fan": fan,
        "gevent-twin": geventTwin,
        "lock": lock,
        "mandelbrot": mandelbrot,
        "philosophers": philosophers,
        "ranks": ranks,
        "ring": ring,
        "santa": santa,
        "sieve": sieve,
        "skynet": skynet,
    ]

    static func main() throws {
        guard CommandLine.arguments.count == 2, let example = all[CommandLine.arguments[1]] else {
            print(all.keys.sorted().joined(separator: "\n"))
            return
        }
        try example()
    }
}
