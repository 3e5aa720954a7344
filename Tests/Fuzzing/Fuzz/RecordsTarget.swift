import COpenSSL
import Glibc

@testable import SluiceRuntime

/// Fuzzes the server's side of TLS, over sockets.
///
/// The first byte of the input chooses whether the handshake is over, and whether the rest of the input is what arrives from
/// the network or what a client encrypts. Bytes from the network must end the session, or be waited for, within few calls
/// and little memory. What a client encrypts must arrive as it is, wherever its records are cut.
enum RecordsTarget {
    /// Made once. The files are not needed afterwards.
    private static let contexts: (server: TLSServerContext, client: TLSClientContext)? = {
        guard let certificate = try? ThrowawayCertificate(for: ["DNS:localhost"], in: "/tmp") else { return nil }
        defer { certificate.remove() }
        var options = TLSClientContext.Options()
        options.authoritiesPath = certificate.authorityPath
        guard let server = try? TLSServerContext(.init(identity: certificate.identity)),
            let client = try? TLSClientContext(options)
        else { return nil }
        return (server, client)
    }()

    static func check(_ input: FuzzedInput) {
        guard let choice = input.bytes.first, let pair = RecordPair(contexts) else { return }
        let rest = UnsafeRawBufferPointer(rebasing: input.bytes.dropFirst())
        if choice & 1 != 0 { pair.finishHandshake() }
        if choice & 2 != 0, choice & 1 != 0 {
            pair.transfer(FuzzedInput(rest.baseAddress?.assumingMemoryBound(to: UInt8.self), rest.count).pieces)
        } else {
            pair.sendNoise(rest, cutEvery: 1 + Int(choice >> 2))
        }
        pair.close()
    }
}

/// A client's and a server's session, and the network between them.
private final class RecordPair {
    /// The most memory that a session may hold: a record, and what it has received with it.
    private static let mostHeld = 256 << 10

    private let server: TLSSession
    private let client: TLSSession
    /// The ends of the client's connection, and those of the server's; the middle ones are the network's.
    private let sockets: [Int32]
    private var scratch = [UInt8](repeating: 0, count: 64 << 10)

    init?(_ contexts: (server: TLSServerContext, client: TLSClientContext)?) {
        guard let contexts, let server = try? contexts.server.makeSession(),
            let client = try? contexts.client.makeSession(with: "localhost")
        else { return nil }
        (self.server, self.client) = (server, client)
        var numbers: [Int32] = []
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
            numbers += ends
        }
        sockets = numbers
    }

    func close() { for socket in sockets { Glibc.close(socket) } }

    /// Passes on at most `limit` bytes in each direction.
    @discardableResult
    private func relay(_ limit: Int = .max) -> Bool {
        var hasMoved = false
        for (from, to) in [(sockets[1], sockets[2]), (sockets[2], sockets[1])] {
            let count = recv(from, &scratch, min(limit, scratch.count), 0)
            guard count > 0 else { continue }
            require(send(to, scratch, count, Int32(MSG_NOSIGNAL)) == count, "the network is full")
            hasMoved = true
        }
        return hasMoved
    }

    func finishHandshake() {
        for _ in 0..<20 where !(client.isEstablished && server.isEstablished) {
            _ = client.continueHandshake(over: sockets[0])
            relay()
            _ = server.continueHandshake(over: sockets[3])
            relay()
        }
        require(client.isEstablished && server.isEstablished, "the handshake fails: \(server.failure ?? "-")")
    }

    /// Sends bytes to the server that no client has encrypted.
    func sendNoise(_ bytes: UnsafeRawBufferPointer, cutEvery size: Int) {
        var offset = 0
        while offset < bytes.count {
            let count = min(size, bytes.count - offset)
            send(sockets[2], bytes.baseAddress.map { $0 + offset }, count, Int32(MSG_NOSIGNAL))
            offset += count
            if !server.isEstablished {
                if case .bytes = server.continueHandshake(over: sockets[3]) {
                    require(false, "noise finishes a handshake")
                }
            } else if receive() != [] {
                require(false, "noise is decrypted")
            }
            if server.failure != nil { break }
        }
        shutdown(sockets[2], Int32(SHUT_WR))
        _ = receive()
    }

    /// Lets the client encrypt the pieces, and cuts the network's bytes at other places.
    func transfer(_ pieces: [UnsafeRawBufferPointer]) {
        var (sent, received): ([UInt8], [UInt8]) = ([], [])
        // Those that the server may not have read yet.
        var keyUpdates = 0
        for piece in pieces where !piece.isEmpty {
            if piece[0] == 0xFE {
                if keyUpdates == TLSSession.mostKeyUpdates {
                    received += receiveAll()
                    keyUpdates = 0
                }
                keyUpdates += 1
                _ = SSL_key_update(client.pointer, SSL_KEY_UPDATE_NOT_REQUESTED)
            }
            guard case .bytes(let count) = client.tryWrite(sockets[0], piece) else { break }
            sent += piece[..<count]
            relay(1 + piece.count * 3 % 29)
            received += receive()
        }
        received += receiveAll()
        require(received == sent, "\(sent.count) bytes were sent, and \(received.count) received")
    }

    /// Passes on everything that the client has written, and reads it.
    private func receiveAll() -> [UInt8] {
        var received: [UInt8] = []
        while client.unsentBytes > 0 || relay() || server.hasBufferedInput {
            require(client.flush(to: sockets[0]), "the client's connection is broken")
            received += receive()
        }
        return received
    }

    /// Reads all that the server can decrypt now.
    private func receive() -> [UInt8] {
        var received: [UInt8] = []
        for _ in 0..<10_000 {
            let attempt = scratch.withUnsafeMutableBytes {
                server.tryRead(sockets[3], into: UnsafeMutableRawBufferPointer(rebasing: $0[..<4096]))
            }
            require(server.heldBytes <= Self.mostHeld, "the session holds \(server.heldBytes) bytes")
            switch attempt {
            case .bytes(let count): received += scratch[..<count]
            case .wouldBlock: if !server.hasBufferedInput { return received }
            case .endOfStream, .failed: return received
            }
        }
        fatalError("check failed: the session always has something to read")
    }
}
