import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    let jobs = try client.channel("jobs")
    try await jobs.open()
    let day = UInt32.random(in: 0 ... .max)
    for yard in ["north", "south", "west"] {
        try await jobs.send("sweep the \(yard) yard", id: "sweep-\(yard)-\(day)")
    }
    try await jobs.close()
}
