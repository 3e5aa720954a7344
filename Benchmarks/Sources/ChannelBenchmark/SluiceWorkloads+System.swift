import SluiceRuntime

// What a program does besides channels: threads, datagrams, other programs.

extension SluiceWorkloads {
    func offload(_ count: Int) async throws -> Duration? {
        let begin = ContinuousClock.now
        var sum = 0
        for number in 0..<count { sum += try await SluiceRuntime.offload { number } }
        let elapsed = ContinuousClock.now - begin
        try expect(sum, count * (count - 1) / 2)
        return elapsed
    }

    func datagram(_ count: Int) async throws -> Duration? {
        let anyPort = try SocketAddress("127.0.0.1:0")
        let (here, there) = (try DatagramSocket.bind(to: anyPort), try DatagramSocket.bind(to: anyPort))
        let message = [UInt8](repeating: 7, count: 8)
        let echo = reactor.spawn {
            for _ in 0..<count / 2 {
                let datagram = try await there.receive(upTo: 8)
                try await there.send(datagram.bytes, to: datagram.sender)
            }
        }
        let begin = ContinuousClock.now
        for _ in 0..<count / 2 {
            try await here.send(message, to: there.localAddress)
            _ = try await here.receive(upTo: 8)
        }
        let elapsed = ContinuousClock.now - begin
        try await echo.value
        return elapsed
    }

    func subprocess(_ count: Int) async throws -> Duration? {
        let begin = ContinuousClock.now
        for _ in 0..<count { try await Subprocess.start(["/bin/true"]).wait() }
        return ContinuousClock.now - begin
    }
}
