import COpenSSL
import Synchronization

/// The TLS of a client: the authorities that it trusts, and its own certificate. One context serves any number of
/// connections, and resumes the sessions of earlier ones.
public final class TLSClientContext: Sendable {
    /// The settings of a client's TLS.
    public struct Options: Sendable, Hashable {
        /// The path of the certificates of the trusted authorities, in PEM format. Nil trusts the system's.
        public var authoritiesPath: String?
        /// The certificate that the client shows to servers that ask for one.
        public var identity: TLSIdentity?
        /// The path of the lists of servers' revoked certificates, in PEM format.
        public var revocationListsPath: String?
        /// Whether the server must prove that it has the name, or the address, to which the client connects. Without
        /// this, an attacker on the network can read and change all traffic.
        public var verifiesServer = true
        /// The oldest version of TLS that the server may use.
        public var minimumVersion = TLSVersion.v1_2
        /// The application protocols that the client wants to speak (ALPN), the preferred one first.
        public var applicationProtocols: [String] = []

        /// The settings of a client that trusts the system's authorities and has no certificate.
        public init() {}
    }

    let context: TLSContext
    private let tickets = TicketStore()

    /// Reads the files that the options name.
    ///
    /// - Throws: `.tls` with the path of a file that cannot be used; `.misuse` for an application protocol whose name is
    ///   empty or longer than 255 bytes.
    public init(_ options: Options = Options()) throws(SluiceError) {
        context = try TLSContext(.client, minimumVersion: options.minimumVersion)
        let protocols = try ProtocolList(options.applicationProtocols)
        if let identity = options.identity { try context.load(identity) }
        if options.verifiesServer {
            try context.trust(authoritiesAt: options.authoritiesPath)
            if let path = options.revocationListsPath { try context.reject(revokedIn: path) }
            context.verifyPeers(with: SSL_VERIFY_PEER)
        }
        if !protocols.isEmpty {
            SSL_CTX_set_alpn_protos(context.pointer, protocols.bytes, UInt32(protocols.bytes.count))
        }
        copenssl_set_session_cache_mode(
            context.pointer, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE))
        SSL_CTX_sess_set_new_cb(context.pointer) { ssl, ticket in
            guard let ssl, let ticket, let session = TLSSession.of(ssl) else { return 0 }
            return session.keep(ticket) ? 1 : 0
        }
    }

    /// Starts a session with the server that is called `name`, or has that address.
    package func makeSession(with name: String) throws(SluiceError) -> TLSSession {
        let session = try TLSSession(.client, context)
        try session.expectServer(called: name)
        session.resumeAndKeepTickets(of: name, in: tickets)
        return session
    }
}

extension TLSServerContext {
    /// Starts a session with a client that has connected.
    func makeSession() throws(SluiceError) -> TLSSession { try TLSSession(.server, context) }
}

/// The latest ticket of each server, with which a client resumes a session. A resumed session saves the certificates and
/// most of the work of a handshake.
final class TicketStore: Sendable {
    /// The most servers whose tickets are kept.
    private static let mostServers = 64

    /// Owns a reference to an `SSL_SESSION`.
    private final class Ticket: @unchecked Sendable {
        // Sendable: OpenSSL counts the references to a session atomically, and nothing else changes.
        let pointer: OpaquePointer

        init(owning pointer: OpaquePointer) { self.pointer = pointer }
        deinit { SSL_SESSION_free(pointer) }
    }

    private let tickets = Lock<[String: Ticket]>([:])

    /// Keeps a ticket, and takes over the caller's reference to it.
    func keep(_ ticket: OpaquePointer, of server: String) {
        let ticket = Ticket(owning: ticket)
        tickets.withLock { tickets in
            if tickets[server] == nil, tickets.count >= Self.mostServers { tickets.removeAll() }
            tickets[server] = ticket
        }
    }

    /// Calls `use` with the ticket of a server, if there is one. A ticket of TLS 1.3 is used once, so that an observer
    /// cannot link sessions.
    func use(of server: String, _ use: (OpaquePointer) -> Void) {
        let ticket = tickets.withLock { tickets in
            let ticket = tickets[server]
            if let ticket, SSL_SESSION_get_protocol_version(ticket.pointer) >= TLS1_3_VERSION { tickets[server] = nil }
            return ticket
        }
        if let ticket { use(ticket.pointer) }
    }
}
