import Foundation

/// A certificate authority for tests, which the `openssl` program runs. Its files are in a temporary directory, which
/// `deinit` removes.
public final class TestAuthority: Sendable {
    /// The contents of a certificate, and its defects.
    public struct Request {
        /// The common name, such as "hub".
        public var name: String
        /// The names for which it is valid, such as "DNS:localhost,IP:127.0.0.1".
        public var alternativeNames = "DNS:localhost,IP:127.0.0.1"
        /// When it becomes valid and when it expires.
        public var dates = (from: "20200101000000Z", until: "20990101000000Z")
        /// The options of `openssl genpkey`.
        public var key = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        /// Whether the certificate is self-signed.
        public var isSelfSigned = false

        /// An ordinary certificate for "localhost" and 127.0.0.1.
        public init(_ name: String) { self.name = name }
    }

    /// The directory of the files: `ca.pem`, and NAME.pem and NAME.key of each certificate.
    public let directory: String

    /// The path of the authority's certificate.
    public var certificatePath: String { path("ca.pem") }

    /// Creates an authority.
    public init() throws {
        directory = NSTemporaryDirectory() + "authority-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try write("", to: "index.txt")
        try write("unique_subject = no\n", to: "index.txt.attr")
        try write("01\n", to: "serial")
        try write("01\n", to: "crlnumber")
        try write(Self.configuration, to: "ca.conf")
        try makeKey("ca", Request("ca").key)
        try run([
            "req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "3650",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        ])
    }

    /// Creates an authority that has issued ordinary certificates with these names.
    public convenience init(issuing names: String...) throws {
        try self.init()
        for name in names { try issue(name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// The path of a file in the directory.
    public func path(_ file: String) -> String { "\(directory)/\(file)" }

    /// Issues a certificate: NAME.pem with its key NAME.key.
    public func issue(_ request: Request) throws {
        let name = request.name
        try makeKey(name, request.key)
        try run(["req", "-new", "-key", "\(name).key", "-out", "\(name).csr", "-subj", "/CN=\(name)"])
        try write("subjectAltName=\(request.alternativeNames)\n", to: "\(name).ext")
        let signer =
            request.isSelfSigned
            ? ["-selfsign", "-keyfile", "\(name).key"] : ["-keyfile", "ca.key", "-cert", "ca.pem"]
        try run(
            ["ca", "-batch", "-notext", "-config", "ca.conf", "-in", "\(name).csr", "-out", "\(name).pem"] + signer + [
                "-extfile", "\(name).ext", "-startdate", request.dates.from, "-enddate", request.dates.until,
            ])
    }

    /// Issues an ordinary certificate.
    public func issue(_ name: String) throws { try issue(Request(name)) }

    /// Revokes a certificate.
    ///
    /// - Returns: the path of the new list of revoked certificates.
    public func revoke(_ name: String) throws -> String {
        try run([
            "ca", "-batch", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.pem", "-revoke", "\(name).pem",
        ])
        try run([
            "ca", "-batch", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.pem", "-gencrl", "-out",
            "revoked.pem",
            "-crldays", "365",
        ])
        return path("revoked.pem")
    }

    /// Encrypts the key of a certificate with a passphrase.
    public func encryptKey(of name: String) throws {
        try run(["ec", "-in", "\(name).key", "-out", "\(name).key", "-aes256", "-passout", "pass:secret"])
    }

    private func makeKey(_ name: String, _ options: [String]) throws {
        try run(["genpkey", "-out", "\(name).key"] + options)
    }

    private func write(_ text: String, to file: String) throws {
        try text.write(toFile: path(file), atomically: true, encoding: .utf8)
    }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let errors = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "openssl \(arguments): \(text)") }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let configuration = """
        [ca]
        default_ca = authority
        [authority]
        database = index.txt
        serial = serial
        crlnumber = crlnumber
        new_certs_dir = .
        default_md = sha256
        policy = any
        [any]
        commonName = supplied

        """
}
