import SluiceRuntime

extension RunningProcess {
    func split(from source: HubChannel, to targets: [HubChannel]) async throws {
        while true {
            for target in targets {
                try await receive(from: source) { try await pass($0, to: target) }
            }
        }
    }

    func broadcast(from source: HubChannel, to targets: [HubChannel]) async throws {
        while true {
            try await receive(from: source) { message in
                _ = try await parallelMap(targets) { try await $0.send(message.bytes, trace: message.trace) }
                try finish(message)
            }
        }
    }
}
