/// The identity of the peer of a TLS session, and the way the session is encrypted.
public struct TLSDescription: Sendable, Hashable {
    /// The version of TLS.
    public let version: TLSVersion
    /// OpenSSL's name of the cipher, such as "TLS_AES_256_GCM_SHA384".
    public let cipher: String
    /// The subject of the peer's certificate, such as "CN=hub.example.org"; nil if it has shown none.
    public let peerSubject: String?
    /// The application protocol that both sides speak (ALPN); nil if they have not agreed on one.
    public let applicationProtocol: String?
    /// Whether the session continues an earlier one, which saves most of the work of a handshake.
    public let isResumed: Bool
}
