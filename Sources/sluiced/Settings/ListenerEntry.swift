import SluiceRuntime
import SluiceWire
import Yams

extension TLSServerContext.Options {
    /// Whether only clients of known authorities can connect.
    var authenticatesClients: Bool { clientAuthoritiesPath != nil && requiresClientCertificate }

    /// Reads the files.
    ///
    /// - Throws: ``SettingsError`` with the path of a file that cannot be used.
    func makeContext() throws(SettingsError) -> TLSServerContext {
        do {
            return try TLSServerContext(self)
        } catch {
            throw SettingsError(error.message, status: .configuration)
        }
    }
}

/// One item of the configuration's `listen` that has keys.
///
///     - {address: "0.0.0.0:7334", tls: {certificate: hub.pem, key: hub.key}}
struct ListenerEntry {
    private enum Key: String, CaseIterable {
        case address, tls
    }

    private enum TLSKey: String, CaseIterable {
        case certificate, key
        case clientCA = "client-ca"
        case requireClient = "require-client"
        case revoked
        case minimumVersion = "minimum-version"
    }

    private let path: String
    /// The address as it is written.
    private(set) var address = ""
    /// The TLS of the listener; nil without TLS.
    private(set) var tls: TLSServerContext.Options?

    /// - Parameter path: the file's path, for error messages.
    init(_ item: Node.Mapping, in path: String, line: Int) throws(SettingsError) {
        self.path = path
        for (node, value) in item {
            switch try Self.key(node, of: Key.self, in: path, line) {
            case .address: address = try text(value, of: "address", line)
            case .tls: tls = try parseTLS(value, line)
            }
        }
        guard !address.isEmpty else { throw error("a listener needs the key \"address\"", line) }
    }

    private func parseTLS(_ value: Node, _ line: Int) throws(SettingsError) -> TLSServerContext.Options {
        guard case .mapping(let mapping) = value else {
            throw error("tls: write its keys after it in braces, or below it with deeper indentation", line)
        }
        var values: [TLSKey: String] = [:]
        for (node, value) in mapping {
            let key = try Self.key(node, of: TLSKey.self, in: path, line)
            values[key] = try text(value, of: key.rawValue, node.mark?.line ?? line)
        }
        guard let certificate = values[.certificate], let key = values[.key] else {
            throw error("tls needs the keys \"certificate\" and \"key\"", line)
        }
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: certificate, keyPath: key))
        // A browser names other protocols, and is refused.
        tls.applicationProtocols = [sluiceApplicationProtocol]
        tls.clientAuthoritiesPath = values[.clientCA]
        tls.revocationListsPath = values[.revoked]
        if values[.clientCA] == nil, let other = [TLSKey.requireClient, .revoked].first(where: { values[$0] != nil }) {
            throw error("tls: \(other.rawValue) needs the key \"client-ca\"", line)
        }
        if let requirement = values[.requireClient] {
            tls.requiresClientCertificate = try entry(requirement, line).boolean()
        }
        switch values[.minimumVersion] {
        case nil, "1.2": break
        case "1.3": tls.minimumVersion = .v1_3
        case let version?: throw error("tls: minimum-version: \(version.debugDescription) is not 1.2 or 1.3", line)
        }
        return tls
    }

    private static func key<Key: RawRepresentable<String> & CaseIterable>(
        _ node: Node, of type: Key.Type, in path: String, _ line: Int
    ) throws(SettingsError) -> Key {
        let word = node.string ?? ""
        if let key = Key(rawValue: word) { return key }
        let known = KnownWords(subject: "the keys", words: Key.allCases.map(\.rawValue))
        let entry = SettingsEntry(key: .listen, origin: .file(path: path, line: node.mark?.line ?? line), texts: [])
        throw entry.error("unknown key \(word.debugDescription); \(known.suggestion(for: word))")
    }

    private func text(_ value: Node, of key: String, _ line: Int) throws(SettingsError) -> String {
        guard value.null == nil, let text = value.scalar?.string, !text.isEmpty else {
            throw error("\(key) must have a value", value.mark?.line ?? line)
        }
        return text
    }

    private func entry(_ text: String, _ line: Int) -> SettingsEntry {
        SettingsEntry(key: .listen, origin: .file(path: path, line: line), texts: [text])
    }

    private func error(_ problem: String, _ line: Int) -> SettingsError { entry("", line).error(problem) }
}
