import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    let jobs = try client.channel("jobs")
    try await jobs.open()
    for try await message in jobs {
        print(message.text)
    }
}
