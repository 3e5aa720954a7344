import COpenSSL

/// The names in a certificate that can identify its owner.
package enum CertificateNameKind: String, Sendable, CaseIterable {
    /// The alternative names that are URIs, such as `spiffe://example.org/worker`.
    case alternativeURI = "san-uri"
    /// The alternative names that are host names.
    case alternativeHost = "san-dns"
    /// The subject's common name. A subject with several has no clear name, and identifies nobody.
    case commonName = "subject-cn"
}

extension TLSSession {
    /// The names of one kind in the peer's certificate, in its order. Empty without a certificate. The certificate has been
    /// verified, because the handshake with a wrong one fails.
    func peerNames(_ kind: CertificateNameKind) -> [String] {
        guard let certificate = SSL_get0_peer_certificate(pointer) else { return [] }
        var names: [String] = []
        withUnsafeMutablePointer(to: &names) { names in
            let add: copenssl_name_user = { names, bytes, count in
                guard let names, let bytes else { return }
                let name = UnsafeBufferPointer(start: bytes, count: Int(count))
                // A name with a NUL could pass for its beginning, and one with a line break for a log line.
                guard name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return }
                names.assumingMemoryBound(to: [String].self).pointee.append(String(decoding: name, as: UTF8.self))
            }
            switch kind {
            case .alternativeURI: copenssl_each_alternative_name(certificate, GEN_URI, names, add)
            case .alternativeHost: copenssl_each_alternative_name(certificate, GEN_DNS, names, add)
            case .commonName: copenssl_each_common_name(certificate, names, add)
            }
        }
        return kind == .commonName && names.count > 1 ? [] : names
    }
}

extension TLSSession {
    /// The memory of the certificates that the peer has sent, estimated. OpenSSL keeps them as long as the session.
    var certificateBytes: Int {
        guard let chain = SSL_get_peer_cert_chain(pointer) else { return 0 }
        var bytes = 0
        for place in 0..<copenssl_certificate_count(chain) {
            bytes += Self.memoryOfByte * Int(i2d_X509(copenssl_certificate(chain, place), nil))
        }
        return bytes
    }

    /// The memory for each byte of a certificate, in bytes. Ordinary certificates took 6, small ones 14, and one with 1 600
    /// empty attributes 25.
    private static let memoryOfByte = 16
}

extension DetachedSocket {
    /// The memory of the certificates that the peer has sent, estimated.
    package var certificateBytes: Int { tls?.certificateBytes ?? 0 }

    /// The names of one kind in the peer's certificate, in its order. Empty without a certificate, and without TLS.
    package borrowing func peerNames(_ kind: CertificateNameKind) -> [String] { tls?.peerNames(kind) ?? [] }
}
