import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    let jobs = try client.channel("jobs")
    for yard in ["north", "south", "west"] {
        try await jobs.send("sweep the \(yard) yard", id: "sweep-\(yard)")
    }
    try await jobs.close()
}
