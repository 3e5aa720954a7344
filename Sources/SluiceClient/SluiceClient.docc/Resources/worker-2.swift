import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    let jobs = try client.channel("jobs")
    try await jobs.open()
    func work() async throws -> Bool {
        try await jobs.receive(lease: .seconds(30)) { message in
            print(message.text, "attempt \(message.attempt)")
        } != nil
    }
    while try await work() {}
}
