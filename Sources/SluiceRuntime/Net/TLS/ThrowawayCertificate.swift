import COpenSSL
import Glibc

/// A server's certificate for tests, measurements and `sluiced --dev-tls`, and the authority that signed it, in a temporary
/// directory with mode 0700. The authority's key is not kept, so it never signs anything else.
///
/// The owner removes the directory with `remove`.
package struct ThrowawayCertificate: Sendable {
    /// The days for which the certificate is valid.
    private static let days = 30

    /// The directory of the files.
    package let directory: String
    /// The path of the authority's certificate, which clients trust.
    package var authorityPath: String { "\(directory)/ca.pem" }
    /// The server's certificate and key.
    package var identity: TLSIdentity {
        TLSIdentity(certificatePath: "\(directory)/server.pem", keyPath: "\(directory)/server.key")
    }

    /// Makes the files.
    ///
    /// - Parameters:
    ///   - names: for what the certificate is valid, such as "DNS:localhost" and "IP:127.0.0.1".
    ///   - parent: the directory in which the temporary directory is made.
    /// - Throws: `.system` if the files cannot be written; `.tls` if OpenSSL refuses a name.
    package init(for names: [String], in parent: String) throws(SluiceError) {
        var template = Array("\(parent)/sluice-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SluiceError(system: errno, "cannot make a directory in \(parent)")
        }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        do throws(SluiceError) {
            let authorityKey = try Key()
            let key = try Key()
            let authority = try Certificate(of: authorityKey, called: "throw-away authority", days: Self.days)
            try authority.add(NID_basic_constraints, "critical,CA:TRUE")
            try authority.add(NID_key_usage, "critical,keyCertSign,cRLSign")
            try authority.sign(with: authorityKey, of: authority)
            let certificate = try Certificate(of: key, called: "throw-away server", days: Self.days)
            try certificate.add(NID_basic_constraints, "critical,CA:FALSE")
            try certificate.add(NID_key_usage, "critical,digitalSignature")
            try certificate.add(NID_ext_key_usage, "serverAuth")
            try certificate.add(NID_subject_alt_name, names.joined(separator: ","))
            try certificate.sign(with: authorityKey, of: authority)
            try Self.write(to: authorityPath) { PEM_write_bio_X509($0, authority.pointer) }
            try Self.write(to: identity.certificatePath) { PEM_write_bio_X509($0, certificate.pointer) }
            try Self.write(to: identity.keyPath) { PEM_write_bio_PrivateKey($0, key.pointer, nil, nil, 0, nil, nil) }
        } catch {
            remove()
            throw error
        }
    }

    /// Removes the directory and its files.
    package func remove() {
        for path in [authorityPath, identity.certificatePath, identity.keyPath] { unlink(path) }
        rmdir(directory)
    }

    /// Creates a file that only this user can read.
    private static func write(to path: String, _ write: (OpaquePointer) -> Int32) throws(SluiceError) {
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SluiceError(system: errno, "cannot write \(path)") }
        let descriptor = Descriptor(owning: number)
        guard let output = BIO_new_fd(descriptor.number, BIO_NOCLOSE) else { throw .openSSL("cannot write \(path)") }
        defer { BIO_free(output) }
        guard write(output) == 1 else { throw .openSSL("cannot write \(path)") }
    }

    /// A private key.
    private struct Key: ~Copyable {
        let pointer: OpaquePointer

        init() throws(SluiceError) {
            guard let pointer = copenssl_make_key() else { throw .openSSL("cannot make a key") }
            self.pointer = pointer
        }

        deinit { EVP_PKEY_free(pointer) }
    }

    /// A certificate in the making.
    private struct Certificate: ~Copyable {
        let pointer: OpaquePointer

        /// - Parameters:
        ///   - name: the common name.
        ///   - days: how long it is valid.
        init(of key: borrowing Key, called name: String, days: Int) throws(SluiceError) {
            guard let pointer = X509_new() else { throw .openSSL("cannot make a certificate") }
            let serial = Int64.random(in: 1...Int64.max)
            // Version 3. Clocks of other machines may be late.
            guard X509_set_version(pointer, 2) == 1,
                ASN1_INTEGER_set_int64(X509_get_serialNumber(pointer), serial) == 1,
                X509_gmtime_adj(X509_getm_notBefore(pointer), -3600) != nil,
                X509_gmtime_adj(X509_getm_notAfter(pointer), days * 86_400) != nil,
                X509_NAME_add_entry_by_txt(X509_get_subject_name(pointer), "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1,
                X509_set_pubkey(pointer, key.pointer) == 1
            else {
                X509_free(pointer)
                throw .openSSL("cannot make a certificate")
            }
            self.pointer = pointer
        }

        deinit { X509_free(pointer) }

        func add(_ extensionKind: Int32, _ value: String) throws(SluiceError) {
            guard let made = X509V3_EXT_conf_nid(nil, nil, extensionKind, value) else {
                throw .openSSL("cannot make a certificate for \(value)")
            }
            defer { X509_EXTENSION_free(made) }
            guard X509_add_ext(pointer, made, -1) == 1 else { throw .openSSL("cannot make a certificate for \(value)") }
        }

        func sign(with key: borrowing Key, of issuer: borrowing Certificate) throws(SluiceError) {
            guard X509_set_issuer_name(pointer, X509_get_subject_name(issuer.pointer)) == 1,
                X509_sign(pointer, key.pointer, EVP_sha256()) > 0
            else { throw .openSSL("cannot sign a certificate") }
        }
    }
}
