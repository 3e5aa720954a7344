import SluiceRuntime

extension RunningProcess {
    func split(from source: HubChannel, to targets: [HubChannel]) async throws {
        while true {
            for target in targets {
                try await receive(from: source) { try await target.send($0.bytes) }
            }
        }
    }

    func broadcast(from source: HubChannel, to targets: [HubChannel]) async throws {
        while true {
            try await receive(from: source) { message in
                _ = try await parallelMap(targets) { try await $0.send(message.bytes) }
            }
        }
    }
}
