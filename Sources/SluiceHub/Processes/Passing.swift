import SluiceRuntime

extension RunningProcess {
    func echo(from source: HubChannel, to target: HubChannel) async throws {
        while true {
            try await receive(from: source) { try await pass($0, to: target) }
        }
    }

    func filter(from source: HubChannel, to target: HubChannel, prefix: [UInt8]) async throws {
        while true {
            try await receive(from: source) { message in
                if message.bytes.starts(with: prefix) {
                    try await pass(message, to: target)
                } else {
                    try finish(message)
                }
            }
        }
    }

    /// Pauses after each message, so that the next message stays with its sender during the pause.
    func limitRate(from source: HubChannel, to target: HubChannel, every interval: Duration) async throws {
        while true {
            try await receive(from: source) { try await pass($0, to: target) }
            try await sleep(for: interval)
        }
    }
}
