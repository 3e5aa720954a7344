import SluiceRuntime
import Synchronization

/// A network between clients and a server that can be cut: bytes go both ways, until all connections break off.
final class Proxy: Sendable {
    let address: SocketAddress
    private let reactor: Reactor
    private let listener: Listener
    private let streams = Mutex<[SluiceRuntime.Stream]>([])

    init(to server: SocketAddress) throws {
        reactor = try Reactor(name: "proxy")
        try reactor.start()
        listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        address = listener.localAddress
        reactor.spawn("proxy") { [self] in
            while true {
                let client = try await listener.accept()
                let server = try await Stream.connect(to: server)
                streams.withLock { $0 += [client, server] }
                reactor.spawn("up") { await Self.pump(from: client, to: server) }
                reactor.spawn("down") { await Self.pump(from: server, to: client) }
            }
        }
    }

    private static func pump(from source: SluiceRuntime.Stream, to sink: SluiceRuntime.Stream) async {
        while let bytes = try? await source.read(upTo: 4096), !bytes.isEmpty {
            guard (try? await sink.write(bytes)) != nil else { break }
        }
        source.close()
        sink.close()
    }

    /// Breaks all connections off, with what is on its way.
    func cut() {
        let streams = streams.withLock { streams in
            defer { streams = [] }
            return streams
        }
        for stream in streams { stream.close() }
    }

    func stop() {
        listener.close()
        cut()
        reactor.stop()
    }
}
