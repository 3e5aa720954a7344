import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    for try await message in try client.channel("jobs") {
        print(message.text)
    }
}
