import COpenSSL
import Glibc

/// OpenSSL's `SSL_CTX`: what the sessions of a client or a listener have in common. It does not change after it was
/// made, so sessions on any thread may use it. Each session retains it.
final class TLSContext: @unchecked Sendable {
    // Sendable: OpenSSL locks what sessions change in it, such as its reference count.

    let pointer: OpaquePointer
    /// The application protocols of a server, to which OpenSSL keeps a pointer.
    private var protocols: ProtocolList?

    /// The groups for the exchange of keys, each of which takes less than a millisecond. OpenSSL's default has larger ones
    /// too: one message of a client that names ffdhe8192 makes a server compute for 140 ms.
    private static let groups = "X25519:P-256:P-384"
    /// The most bytes of the certificates that a peer may send. OpenSSL keeps a client's until the end of the connection, in
    /// several times the bytes, and takes up to 100 ms to read 100 KB of them.
    private static let mostOfClientCertificates = 12 << 10
    private static let mostOfServerCertificates = 64 << 10

    init(_ role: TLSRole, minimumVersion: TLSVersion) throws(SluiceError) {
        ERR_clear_error()
        let method = role == .client ? TLS_client_method() : TLS_server_method()
        guard let pointer = SSL_CTX_new(method) else { throw .openSSL("cannot prepare TLS") }
        self.pointer = pointer
        // A session without these two modes keeps 32 KB of buffers while its connection is idle, and cannot write again
        // from a buffer that has moved.
        copenssl_set_mode(pointer, Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        copenssl_set_safe_options(pointer)
        SSL_CTX_set_msg_callback(pointer) { isWritten, _, kind, bytes, count, ssl, _ in
            guard isWritten == 0, kind == SSL3_RT_HANDSHAKE, count > 0, let bytes, let ssl else { return }
            TLSSession.of(ssl)?.inspect(
                message: UnsafeMutableRawBufferPointer(
                    start: UnsafeMutableRawPointer(mutating: bytes), count: count))
        }
        copenssl_set_max_certificates(
            pointer, role == .server ? Self.mostOfClientCertificates : Self.mostOfServerCertificates)
        guard copenssl_set_groups(pointer, Self.groups) == 1 else { throw .openSSL("cannot choose the groups") }
        // With TLS 1.2, a server accepts only ciphers with forward secrecy that authenticate their records. TLS 1.3 has no
        // others.
        if role == .server, SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 {
            throw .openSSL("cannot choose the ciphers")
        }
        guard copenssl_set_min_version(pointer, minimumVersion.number) == 1 else {
            throw .openSSL("cannot use \(minimumVersion)")
        }
    }

    deinit { SSL_CTX_free(pointer) }

    /// Lets a server choose the first of these protocols that a client names.
    func choose(from protocols: ProtocolList) {
        self.protocols = protocols
        SSL_CTX_set_alpn_select_cb(pointer, ProtocolList.select, Unmanaged.passUnretained(protocols).toOpaque())
    }

    /// Checks that a path names a regular file of at most 16 MiB, because reading a pipe or a device could take for ever.
    private static func check(_ path: String, _ attempt: String) throws(SluiceError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SluiceError(system: errno, attempt) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= 16 << 20 else {
            throw SluiceError(.tls, "\(attempt): it is not a regular file of at most 16 MiB")
        }
    }

    /// Loads the certificate that this side shows to its peer, with the chain to its authority, and its private key.
    func load(_ identity: TLSIdentity) throws(SluiceError) {
        try Self.check(identity.certificatePath, "cannot use the certificate in \(identity.certificatePath)")
        ERR_clear_error()
        guard SSL_CTX_use_certificate_chain_file(pointer, identity.certificatePath) == 1 else {
            throw .openSSL("cannot use the certificate in \(identity.certificatePath)")
        }
        let key = try PrivateKey(path: identity.keyPath)
        guard SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1 else {
            throw .openSSL("cannot use the private key in \(identity.keyPath)")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            throw .openSSL("the private key in \(identity.keyPath) does not match the certificate")
        }
    }

    /// Trusts the authorities whose certificates are in a file, or the system's if `path` is nil.
    func trust(authoritiesAt path: String?) throws(SluiceError) {
        ERR_clear_error()
        guard let path else {
            guard SSL_CTX_set_default_verify_paths(pointer) == 1 else {
                throw .openSSL("cannot use the system's certificate authorities")
            }
            return
        }
        try Self.check(path, "cannot use the certificate authorities in \(path)")
        guard SSL_CTX_load_verify_file(pointer, path) == 1 else {
            throw .openSSL("cannot use the certificate authorities in \(path)")
        }
    }

    /// Rejects peers whose certificate is in a list of revoked ones.
    func reject(revokedIn path: String) throws(SluiceError) {
        try Self.check(path, "cannot use the list of revoked certificates in \(path)")
        ERR_clear_error()
        guard let store = SSL_CTX_get_cert_store(pointer), X509_STORE_load_file(store, path) == 1 else {
            throw .openSSL("cannot use the list of revoked certificates in \(path)")
        }
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK))
    }

    /// Decides whether the peer must show a certificate that is valid.
    func verifyPeers(with mode: Int32) {
        SSL_CTX_set_verify(pointer, mode) { isValid, store in
            if isValid == 0, let store { TLSSession.verifying(store)?.noteInvalidCertificate(of: store) }
            return isValid
        }
    }
}

enum TLSRole {
    case client, server

    /// What the other side is, in errors.
    var peer: String { self == .client ? "server" : "client" }
}

/// A version of TLS.
public enum TLSVersion: Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// TLS 1.2.
    case v1_2
    /// TLS 1.3.
    case v1_3

    var number: Int32 { self == .v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION }

    /// The name, such as "TLS 1.3".
    public var description: String { self == .v1_2 ? "TLS 1.2" : "TLS 1.3" }
}

/// The files of a certificate and of its private key, in PEM format.
public struct TLSIdentity: Sendable, Hashable {
    /// The path of a file with the certificate, and then the certificates of its issuers up to a trusted one.
    public var certificatePath: String
    /// The path of the certificate's private key, without a password.
    public var keyPath: String

    /// Names the files. They are read when a context is made.
    public init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }
}

extension SluiceError.Code {
    /// TLS failed: the message says what is wrong with which certificate, or how the peer breaks the protocol.
    public static let tls = SluiceError.Code("tls")
}

extension SluiceError {
    /// The error of a failed OpenSSL call, with OpenSSL's reason.
    ///
    /// - Parameter attempt: what was attempted, such as "cannot use the certificate in hub.pem".
    static func openSSL(_ attempt: String) -> SluiceError {
        let reason = TLSSession.reason(of: ERR_peek_error())
        ERR_clear_error()
        return SluiceError(.tls, "\(attempt): \(reason)")
    }
}
