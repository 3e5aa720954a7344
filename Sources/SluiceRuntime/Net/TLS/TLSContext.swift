import COpenSSL

/// OpenSSL's `SSL_CTX`: what the sessions of a client or a listener have in common. It does not change after it was
/// made, so sessions on any thread may use it.
final class TLSContext: @unchecked Sendable {
    // Sendable: OpenSSL locks what sessions change in it, such as its reference count.

    let pointer: OpaquePointer

    init(_ role: TLSRole, minimumVersion: TLSVersion) throws(SluiceError) {
        let method = role == .client ? TLS_client_method() : TLS_server_method()
        guard let pointer = SSL_CTX_new(method) else { throw .openSSL("cannot prepare TLS") }
        self.pointer = pointer
        // A session without these two modes keeps 32 KB of buffers while its connection is idle, and cannot write again
        // from a buffer that has moved.
        copenssl_set_mode(pointer, Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // One system call reads a whole record, instead of one for its head and one for its body.
        copenssl_set_read_ahead(pointer)
        // A peer that renegotiates makes the other one work as much as a new handshake does.
        copenssl_refuse_renegotiation(pointer)
        guard copenssl_set_min_version(pointer, minimumVersion.number) == 1 else {
            throw .openSSL("cannot use \(minimumVersion)")
        }
    }

    deinit { SSL_CTX_free(pointer) }

    /// Loads the certificate that this side shows to its peer, with the chain to its authority, and its private key.
    func load(_ identity: TLSIdentity) throws(SluiceError) {
        ERR_clear_error()
        guard SSL_CTX_use_certificate_chain_file(pointer, identity.certificatePath) == 1 else {
            throw .openSSL("cannot use the certificate in \(identity.certificatePath)")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, identity.keyPath, SSL_FILETYPE_PEM) == 1 else {
            throw .openSSL("cannot use the private key in \(identity.keyPath)")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            throw .openSSL("the key in \(identity.keyPath) is not that of the certificate")
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
        guard SSL_CTX_load_verify_file(pointer, path) == 1 else {
            throw .openSSL("cannot use the certificate authorities in \(path)")
        }
    }

    /// Rejects peers whose certificate is in a list of revoked ones.
    func reject(revokedIn path: String) throws(SluiceError) {
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

enum TLSRole { case client, server }

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

/// Where the certificate that proves a side's identity is, and its private key. Both files are in PEM format.
public struct TLSIdentity: Sendable, Hashable {
    /// The path of the certificate, followed by those of the authorities up to a trusted one.
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
