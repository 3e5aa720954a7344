import COpenSSL
import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct TLSStreamTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub")
    }

    private func serverContext(
        _ name: String = "hub", _ change: (inout TLSServerContext.Options) -> Void = { _ in }
    ) throws -> TLSServerContext {
        var options = TLSServerContext.Options(identity: authority.identity(name))
        change(&options)
        return try TLSServerContext(options)
    }

    private func clientContext(_ change: (inout TLSClientContext.Options) -> Void = { _ in }) throws -> TLSClientContext
    {
        var options = TLSClientContext.Options()
        options.authoritiesPath = authority.certificatePath
        change(&options)
        return try TLSClientContext(options)
    }

    /// Connects a client to a new listener and finishes both handshakes.
    private func pair(
        _ server: TLSServerContext, _ client: TLSClientContext, named name: String? = nil, on reactor: Reactor
    ) async throws -> (client: Stream, server: Stream) {
        let listener = try Listener.bind(to: loopback, tls: server)
        let accepting = reactor.spawn {
            let stream = try await listener.accept()
            try await stream.finishHandshake()
            return stream
        }
        do {
            let near = try await Stream.connect(to: listener.localAddress, tls: client, named: name)
            return (near, try await accepting.join())
        } catch {
            accepting.cancel()
            _ = try? await accepting.join()
            throw error
        }
    }

    private let loopback = SocketAddress.ipv4(0x7F00_0001, port: 0)

    // MARK: Transfer

    @Test("Bytes arrive whole and in order in both directions", arguments: [1, 16 << 10, 1 << 20])
    func bytesArriveInOrder(count: Int) throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            for (sender, receiver) in [(near, far), (far, near)] {
                let sending = reactor.spawn { try await sender.write(bytes) }
                var received: [UInt8] = []
                while received.count < count { received += try await receiver.read(upTo: 100_000) }
                try await sending.join()
                #expect(received == bytes)
            }
            #expect(near.tlsDescription?.version == .v1_3)
            #expect(near.tlsDescription?.peerSubject == "CN=hub")
            #expect(far.tlsDescription?.peerSubject == nil)
        }
    }

    @Test("A read of one byte at a time gets all of a record")
    func oneByteAtATime() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            try await near.write("several bytes, one record".utf8)
            var received: [UInt8] = []
            for _ in 0..<25 { received += try await far.read(upTo: 1) }
            #expect(String(decoding: received, as: UTF8.self) == "several bytes, one record")
        }
    }

    @Test("A finished output leaves the other direction open")
    func halfClose() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            try await near.write("question".utf8)
            try near.shutdownWrite()
            #expect(try await far.readAll() == Array("question".utf8))
            try await far.write("answer".utf8)
            try far.shutdownWrite()
            #expect(try await near.readAll() == Array("answer".utf8))
        }
    }

    @Test("A connection that ends without close_notify is an error, not an end")
    func truncation() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            try await far.write("half a".utf8)
            shutdown(far.descriptorNumber, Int32(SHUT_WR))
            #expect(try await near.read(upTo: 100) == Array("half a".utf8))
            let error = await failure { _ = try await near.read(upTo: 100) }
            #expect(error?.errno == ECONNRESET)
        }
    }

    @Test("A reader that does not read holds up the writer, and loses nothing")
    func backpressure() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            let count = 12 << 20
            let bytes = [UInt8](repeating: 7, count: count)
            let sending = reactor.spawn { try await near.write(bytes) }
            try await parked(sending)
            var received = 0
            while received < count { received += try await far.read(upTo: 1 << 20).count }
            try await sending.join()
            #expect(received == count)
        }
    }

    @Test(
        "A second connection resumes the session of the first, unless the server checks the client's certificate",
        arguments: [false, true])
    func resumption(checksClients: Bool) throws {
        try authority.issue("worker")
        let server = try serverContext { if checksClients { $0.clientAuthoritiesPath = authority.certificatePath } }
        let client = try clientContext { $0.identity = authority.identity("worker") }
        let reactor = try Reactor()
        try reactor.run {
            for isSecond in [false, true] {
                let (near, far) = try await pair(server, client, on: reactor)
                #expect(near.tlsDescription?.isResumed == (isSecond && !checksClients))
                // The ticket comes with the first bytes.
                try await far.write("x".utf8)
                #expect(try await near.read(upTo: 1) == Array("x".utf8))
            }
        }
    }

    @Test("Both sides agree on an application protocol, or the handshake fails")
    func applicationProtocols() throws {
        let server = try serverContext { $0.applicationProtocols = ["sluice/1"] }
        let reactor = try Reactor()
        for (offered, agreed) in [(["h2", "sluice/1"], "sluice/1"), ([], nil)] as [([String], String?)] {
            let client = try clientContext { $0.applicationProtocols = offered }
            try reactor.run {
                let (near, _) = try await pair(server, client, on: reactor)
                #expect(near.tlsDescription?.applicationProtocol == agreed)
            }
        }
        let browser = try clientContext { $0.applicationProtocols = ["h2", "http/1.1"] }
        try reactor.run {
            let error = await failure { _ = try await pair(server, browser, on: reactor) }
            #expect(error?.code == .tls)
            #expect(error?.message.hasSuffix("tlsv1 alert no application protocol") == true, "\(error?.message ?? "")")
        }
    }

    @Test("The end of the output behind data is read without further bytes")
    func closeNotifyBehindData() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            let session = try #require(near.tls)
            // Both in one segment, and no FIN.
            SSL_write(session.pointer, "last", 4)
            SSL_shutdown(session.pointer)
            session.flush(to: near.descriptorNumber)
            try await far.waitReadable()
            #expect(try await far.read(upTo: 100) == Array("last".utf8))
            try await far.waitReadable()
            #expect(try await far.read(upTo: 100) == [])
        }
    }

    @Test("A handshake takes no longer than its timeout, and a later one succeeds")
    func handshakeTimeout() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let silent = try Listener.bind(to: loopback)
            let connecting = reactor.spawn {
                try await Stream.connect(to: silent.localAddress, tls: client, timeout: .seconds(5))
            }
            let peer = try await silent.accept()
            // The client waits for an answer to its first message.
            _ = try await peer.read(upTo: 4096)
            try await parked(connecting)
            clock.advance(by: .seconds(5))
            #expect(await failure { _ = try await connecting.join() }?.code == .timedOut)
            _ = try await pair(server, client, on: reactor)
        }
    }

    @Test("A handshake that has begun goes on with the certificates of its beginning")
    func replacedContext() throws {
        let client = try clientContext { $0.applicationProtocols = ["sluice/1"] }
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(
                to: loopback, tls: try serverContext { $0.applicationProtocols = ["sluice/1"] })
            let connecting = reactor.spawn { try await Stream.connect(to: listener.localAddress, tls: client) }
            let far = try await listener.accept()
            listener.replaceTLS(with: try serverContext { $0.applicationProtocols = ["other"] })
            try await far.finishHandshake()
            #expect(try await connecting.join().tlsDescription?.applicationProtocol == "sluice/1")
        }
    }

    @Test("A peer may update its keys now and then, but not make the other side do little else", arguments: [8, 1_000])
    func keyUpdates(count: Int) throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            let session = try #require(near.tls)
            for _ in 0..<count {
                SSL_key_update(session.pointer, SSL_KEY_UPDATE_REQUESTED)
                SSL_do_handshake(session.pointer)
            }
            SSL_write(session.pointer, "hello", 5)
            session.flush(to: near.descriptorNumber)
            if count <= 8 {
                #expect(try await far.read(upTo: 100) == Array("hello".utf8))
                try await far.write("answer".utf8)
                #expect(try await near.read(upTo: 100) == Array("answer".utf8))
            } else {
                let error = await failure { _ = try await far.read(upTo: 100) }
                #expect(
                    error?.message.hasSuffix("the client updates its keys too often") == true, "\(error?.message ?? "")"
                )
            }
        }
    }

    @Test("A key with a passphrase is an error, and no question at the terminal")
    func keyWithPassphrase() throws {
        try authority.encryptKey(of: "hub")
        let error = #expect(throws: SluiceError.self) { try serverContext() }
        #expect(error?.message.contains("cannot use the private key in \(authority.path("hub.key"))") == true)
    }

    // MARK: Certificates

    enum Flaw: String, CaseIterable {
        case expired, early, otherName, selfSigned, unknownAuthority, weakKey, revoked, otherAddress
    }

    @Test("A client rejects a server whose certificate is not valid, and says why", arguments: Flaw.allCases)
    func invalidServerCertificates(flaw: Flaw) throws {
        var request = TestAuthority.Request("bad")
        var name: String? = "localhost"
        var trusted = authority
        var lists: String?
        switch flaw {
        case .expired: request.dates.until = "20200102000000Z"
        case .early: request.dates.from = "20980101000000Z"
        case .otherName: request.alternativeNames = "DNS:elsewhere.example"
        case .selfSigned: request.isSelfSigned = true
        case .unknownAuthority: trusted = try TestAuthority()
        case .weakKey: request.key = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]
        case .revoked: break
        case .otherAddress:
            request.alternativeNames = "IP:127.0.0.2"
            name = nil
        }
        try authority.issue(request)
        if flaw == .revoked { lists = try authority.revoke("bad") }
        let expected =
            switch flaw {
            case .expired: "the server's certificate: certificate has expired (the certificate of CN=bad)"
            case .early: "the server's certificate: certificate is not yet valid (the certificate of CN=bad)"
            case .otherName: "the server's certificate: hostname mismatch (the certificate of CN=bad)"
            case .selfSigned: "the server's certificate: self-signed certificate (the certificate of CN=bad)"
            case .unknownAuthority:
                "the server's certificate: unable to get local issuer certificate (the certificate of CN=bad)"
            case .weakKey: "the key of the certificate is too weak"
            case .revoked: "the server's certificate: certificate revoked (the certificate of CN=bad)"
            case .otherAddress: "the server's certificate: IP address mismatch (the certificate of CN=bad)"
            }
        if flaw == .weakKey {
            // OpenSSL refuses to use such a key at all.
            let error = #expect(throws: SluiceError.self) { try serverContext("bad") }
            #expect(error?.message.hasSuffix("ee key too small") == true, "\(error?.message ?? "")")
            return
        }
        let server = try serverContext("bad")
        let client = try clientContext {
            $0.authoritiesPath = trusted.certificatePath
            $0.revocationListsPath = lists
        }
        let reactor = try Reactor()
        try reactor.run { [name] in
            let error = await failure { _ = try await pair(server, client, named: name, on: reactor) }
            #expect(error?.code == .tls)
            #expect(error?.message.hasSuffix(expected) == true, "\(error?.message ?? "none")")
        }
    }

    @Test("A client that does not verify accepts any certificate")
    func withoutVerification() throws {
        let server = try serverContext()
        let client = try clientContext {
            $0.authoritiesPath = nil
            $0.verifiesServer = false
        }
        let reactor = try Reactor()
        try reactor.run {
            let (near, _) = try await pair(server, client, named: "elsewhere", on: reactor)
            #expect(near.tlsDescription != nil)
        }
    }

    @Test("A server that requires certificates accepts only clients of its authority")
    func clientCertificates() throws {
        try authority.issue("worker")
        try authority.issue("former")
        let stranger = try TestAuthority()
        try stranger.issue("worker")
        let lists = try authority.revoke("former")
        let server = try serverContext {
            $0.clientAuthoritiesPath = authority.certificatePath
            $0.revocationListsPath = lists
        }
        let reactor = try Reactor()
        let cases: [(TLSIdentity?, String?)] = [
            (authority.identity("worker"), nil),
            (nil, "peer did not return a certificate"),
            (
                authority.identity("former"),
                "the client's certificate: certificate revoked (the certificate of CN=former)"
            ),
            (
                TLSIdentity(certificatePath: stranger.path("worker.pem"), keyPath: stranger.path("worker.key")),
                "the client's certificate: unable to get local issuer certificate (the certificate of CN=worker)"
            ),
        ]
        for (identity, expected) in cases {
            let client = try clientContext { $0.identity = identity }
            try reactor.run {
                let listener = try Listener.bind(to: loopback, tls: server)
                let accepting = reactor.spawn {
                    let stream = try await listener.accept()
                    try await stream.finishHandshake()
                    return stream.tlsDescription?.peerSubject
                }
                // With TLS 1.3 a client is done before the server has seen its certificate.
                let near = try await Stream.connect(to: listener.localAddress, tls: client)
                if let expected {
                    let error = await failure { _ = try await accepting.join() }
                    #expect(error?.message.hasSuffix(expected) == true, "\(error?.message ?? "none")")
                    #expect(await failure { _ = try await near.read(upTo: 1) }?.code == .tls)
                } else {
                    #expect(try await accepting.join() == "CN=worker")
                }
            }
        }
    }

    @Test("A context names the file that it cannot use", arguments: ["missing.pem", "hub.key"])
    func unusableFiles(file: String) throws {
        let path = authority.path(file)
        let error = #expect(throws: SluiceError.self) {
            try TLSServerContext(
                .init(identity: TLSIdentity(certificatePath: path, keyPath: authority.path("hub.key"))))
        }
        #expect(error?.message.contains(path) == true, "\(error?.message ?? "")")
    }

    @Test("A key must be that of the certificate")
    func otherKey() throws {
        try authority.issue("other")
        let error = #expect(throws: SluiceError.self) {
            try TLSServerContext(
                .init(
                    identity: TLSIdentity(
                        certificatePath: authority.path("hub.pem"), keyPath: authority.path("other.key"))))
        }
        #expect(error?.message.contains("other.key") == true, "\(error?.message ?? "")")
    }

    // MARK: Peers that break the rules

    @Test("The error says that the peer does not speak TLS")
    func plainPeers() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: loopback, tls: server)
            let accepting = reactor.spawn { try await listener.accept().finishHandshake() }
            let near = try await Stream.connect(to: listener.localAddress)
            try await near.write("SEND jobs x\n".utf8)
            let error = await failure { try await accepting.join() }
            #expect(error?.message.hasSuffix("the client does not speak TLS") == true, "\(error?.message ?? "none")")

            let plain = try Listener.bind(to: loopback)
            let answering = reactor.spawn {
                let stream = try await plain.accept()
                try await stream.write("ERR protocol what is this?\n".utf8)
                return stream
            }
            let refusal = await failure { _ = try await Stream.connect(to: plain.localAddress, tls: client) }
            #expect(
                refusal?.message.hasSuffix("the server does not speak TLS") == true, "\(refusal?.message ?? "none")")
            _ = try await answering.join()
        }
    }

    @Test("A handshake that is cut at any byte ends with an error, on both sides")
    func cutHandshakes() throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: loopback, tls: server)
            // The whole of what a client sends, as the server would read it.
            let recorder = try Listener.bind(to: loopback)
            let recording = reactor.spawn { try await recorder.accept().read(upTo: 4096) }
            let calling = reactor.spawn { try await Stream.connect(to: recorder.localAddress, tls: client) }
            let hello = try await recording.join()
            calling.cancel()
            _ = try? await calling.join()
            for count in 0..<hello.count {
                let accepting = reactor.spawn { try await listener.accept().finishHandshake() }
                let near = try await Stream.connect(to: listener.localAddress)
                if count > 0 { try await near.write(hello[..<count]) }
                near.close()
                #expect(await failure { try await accepting.join() } != nil)
            }
        }
    }

    @Test("Bytes that are not TLS end a session with an error", arguments: 0..<32)
    func noise(seed: UInt64) throws {
        let (server, client) = (try serverContext(), try clientContext())
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try await pair(server, client, on: reactor)
            var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
            let bytes = (0..<64).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            _ = bytes.withUnsafeBytes { Glibc.send(near.descriptorNumber, $0.baseAddress, $0.count, 0) }
            shutdown(near.descriptorNumber, Int32(SHUT_WR))
            #expect(await failure { _ = try await far.read(upTo: 1) } != nil)
        }
    }
}
