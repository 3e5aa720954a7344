import SluiceClient

try await withClient(CommandLine.arguments[1]) { client in
    let jobs = try client.channel("jobs")
    async let sent = jobs.send("sweep the yard")
    try await jobs.receive(lease: .seconds(30)) { message in
        print(message.text)
    }
    _ = try await sent
}
