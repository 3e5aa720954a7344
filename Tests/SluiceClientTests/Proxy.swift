import SluiceRuntime
import Synchronization

/// A network between clients and a server: forwards bytes in both directions until its connections are cut.
final class Proxy: Sendable {
    let address: SocketAddress
    private let reactor: Reactor
    private let listener: Listener
    private let streams = Lock<[SluiceRuntime.Stream]>([])
    private let muted = Atomic<Bool>(false)

    /// - Parameter delay: how long the bytes of the server take.
    init(to server: SocketAddress, delay: Duration = .zero) throws {
        reactor = try Reactor(name: "proxy")
        try reactor.start()
        listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        address = listener.localAddress
        reactor.spawn("proxy") { [self] in
            while true {
                let client = try await listener.accept()
                let server = try await Stream.connect(to: server)
                streams.withLock { $0 += [client, server] }
                reactor.spawn("up") { await Self.pump(from: client, to: server) { true } }
                reactor.spawn("down") { [self] in
                    await Self.pump(from: server, to: client) {
                        if delay > .zero { try? await sleep(for: delay) }
                        return !self.muted.load(ordering: .relaxed)
                    }
                }
            }
        }
    }

    private static func pump(
        from source: SluiceRuntime.Stream, to sink: SluiceRuntime.Stream, while passes: () async -> Bool
    ) async {
        while let bytes = try? await source.read(upTo: 4096), !bytes.isEmpty {
            guard await passes() else { continue }
            guard (try? await sink.write(bytes)) != nil else { break }
        }
        source.close()
        sink.close()
    }

    /// Drops everything that the server sends, until the next cut.
    func mute() { muted.store(true, ordering: .relaxed) }

    /// Breaks all connections, and loses the bytes that are on their way.
    func cut() {
        // On the thread that forwards the bytes, so that none passes meanwhile.
        reactor.post { [self] in
            let streams = streams.withLock { streams in
                defer { streams = [] }
                return streams
            }
            for stream in streams { stream.close() }
            muted.store(false, ordering: .relaxed)
        }
    }

    func stop() {
        listener.close()
        cut()
        reactor.stop()
    }
}
