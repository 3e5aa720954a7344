import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    let jobs = try client.channel("jobs")
    try await jobs.open()
    let evening = try client.channel("evening")
    func work() async throws -> Bool {
        try await client.select {
            jobs.receiving(lease: .seconds(30)) { delivery in
                guard let delivery else { return false }
                print(delivery.message.text)
                try await delivery.acknowledge()
                return true
            }
            evening.receiving { _ in false }
        }
    }
    while try await work() {}
}
