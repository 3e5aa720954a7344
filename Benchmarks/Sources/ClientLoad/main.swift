import Glibc
import SluiceClient

// ClientLoad PORT SECONDS ROUNDS
//
// Measures how many messages of 16 bytes a second 64 tasks send with one Client, each waiting for its OK before the next,
// and how many a plain socket sends with 64 sends in flight. The channel is a queue that drops its oldest message, so that
// senders need no receiver. The two take turns, and the medians are compared.

private let senders = 64
private let body = "sweep the yard.."
private let channelName = "client-load"

guard CommandLine.arguments.count == 4, let port = UInt16(CommandLine.arguments[1]),
    let seconds = Double(CommandLine.arguments[2]), let rounds = Int(CommandLine.arguments[3]), rounds > 0
else {
    print("usage: ClientLoad PORT SECONDS ROUNDS")
    exit(EX_USAGE)
}

/// Sends with 64 tasks for `seconds`, and returns how many messages a second.
///
/// - Parameter executor: the executor of the tasks; nil for Swift's pool.
func clientRate(
    _ client: Client, seconds: Double, on executor: (any TaskExecutor)? = nil
) async throws -> Double {
    let channel = try client.channel(channelName)
    let begin = secondsNow()
    let deadline = begin + seconds
    let message = Array(body.utf8)
    let sent = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<senders {
            group.addTask(executorPreference: executor) {
                var sent = 0
                while secondsNow() < deadline {
                    try await channel.send(message)
                    sent += 1
                }
                return sent
            }
        }
        return try await group.reduce(0, +)
    }
    return Double(sent) / (secondsNow() - begin)
}

/// Sends over a plain socket for `seconds`, and returns how many messages a second.
func rawRate(seconds: Double) throws -> Double {
    let sender = try RawSender(port: port, channel: channelName, body: body)
    let begin = secondsNow()
    return Double(try sender.run(inFlight: senders, seconds: seconds)) / (secondsNow() - begin)
}

do {
    try await withClient("127.0.0.1:\(port)") { client in
        try await client.channel(channelName).open(.queue(capacity: 1024, overflow: .dropOldest))
        _ = try await clientRate(client, seconds: seconds / 4)
        var ours: [Double] = []
        var onExecutor: [Double] = []
        var raw: [Double] = []
        for _ in 0..<rounds {
            raw.append(try rawRate(seconds: seconds))
            ours.append(try await clientRate(client, seconds: seconds))
            onExecutor.append(try await clientRate(client, seconds: seconds, on: Client.executor))
        }
        let rawMedian = raw.sorted()[rounds / 2]
        print("raw \(Int(rawMedian)) messages/s")
        for (name, rates) in [("client", ours), ("client-executor", onExecutor)] {
            let median = rates.sorted()[rounds / 2]
            print("\(name) \(Int(median)) messages/s, \((100 * median / rawMedian).rounded() / 100) of raw")
        }
    }
} catch {
    print("ClientLoad: \(error)")
    exit(EX_IOERR)
}
