import SluiceClient

try await withClient("127.0.0.1:7333") { client in
    for waiter in try await client.waitersReport(channel: "jobs").waiters {
        print(waiter.client, waiter.operation, waiter.waitingSeconds)
    }
    for await state in client.states {
        switch state {
        case .connected(let server): print("connected to epoch \(server.epoch) of the server")
        case .connecting(let cause): print("no connection: \(cause?.message ?? "not yet")")
        case .ended(let cause): print("ended: \(cause.message)")
        }
    }
}
