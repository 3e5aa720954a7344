import COpenSSL

/// The TLS of a listener: its certificate, and the authorities of the clients that it accepts. One context serves all
/// connections of a listener.
public final class TLSServerContext: Sendable {
    /// The settings of a listener's TLS.
    public struct Options: Sendable, Hashable {
        /// The certificate that the listener shows to its clients.
        public var identity: TLSIdentity
        /// The oldest version of TLS that clients may use.
        public var minimumVersion = TLSVersion.v1_2
        /// The path of the certificates of the authorities that sign clients' certificates, in PEM format. Nil asks no
        /// client for a certificate.
        public var clientAuthoritiesPath: String?
        /// Whether a client must have a certificate, if `clientAuthoritiesPath` is given.
        public var requiresClientCertificate = true
        /// The path of the lists of clients' revoked certificates, in PEM format.
        public var revocationListsPath: String?
        /// The application protocols that clients may name (ALPN), the preferred one first. A client that names only
        /// others is refused, which keeps out browsers. One that names none is accepted.
        public var applicationProtocols: [String] = []

        /// The settings of a listener that asks no client for a certificate.
        public init(identity: TLSIdentity) { self.identity = identity }
    }

    let context: TLSContext

    /// Reads the files that the options name.
    ///
    /// - Throws: `.tls` with the path of a file that cannot be used; `.misuse` for an application protocol whose name is
    ///   empty or longer than 255 bytes.
    public init(_ options: Options) throws(SluiceError) {
        context = try TLSContext(.server, minimumVersion: options.minimumVersion)
        let protocols = try ProtocolList(options.applicationProtocols)
        try context.load(options.identity)
        // A resumed session must belong to the same service, which this names.
        let service = Array("sluice".utf8)
        SSL_CTX_set_session_id_context(context.pointer, service, UInt32(service.count))
        // Tickets are kept by clients, so the server needs no memory for sessions that may be resumed.
        copenssl_set_session_cache_mode(context.pointer, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_num_tickets(context.pointer, 1)
        if let path = options.clientAuthoritiesPath {
            try context.trust(authoritiesAt: path)
            SSL_CTX_set_client_CA_list(context.pointer, SSL_load_client_CA_file(path))
            if let lists = options.revocationListsPath { try context.reject(revokedIn: lists) }
            let requirement = options.requiresClientCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
            context.verifyPeers(with: SSL_VERIFY_PEER | requirement)
            // A resumed session would leave out the checks of the client's certificate, which may have expired since.
            copenssl_forbid_tickets(context.pointer)
        }
        if !protocols.isEmpty { context.choose(from: protocols) }
    }
}

/// Names of application protocols, each after its length in a byte, as TLS sends them.
final class ProtocolList: Sendable {
    let bytes: [UInt8]

    init(_ names: [String]) throws(SluiceError) {
        var bytes: [UInt8] = []
        for name in names {
            guard (1...255).contains(name.utf8.count) else {
                throw SluiceError(
                    .misuse, "an application protocol's name must have 1 to 255 bytes, and has \(name.utf8.count)")
            }
            bytes += [UInt8(name.utf8.count)] + Array(name.utf8)
        }
        self.bytes = bytes
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// Chooses the server's first name that the client names too. Without one, the handshake fails.
    static let select:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
            UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, chosen, length, offered, offeredLength, list in
            guard let list, let chosen else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            let names = Unmanaged<ProtocolList>.fromOpaque(list).takeUnretainedValue().bytes
            var name: UnsafeMutablePointer<UInt8>?
            let result = names.withUnsafeBufferPointer {
                SSL_select_next_proto(&name, length, $0.baseAddress, UInt32($0.count), offered, offeredLength)
            }
            chosen.pointee = UnsafePointer(name)
            return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
        }
}
