import Glibc
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
        do throws(SluiceError) {
            return try TLSServerContext(self)
        } catch {
            throw SettingsError(
                error.message, status: error.errno == EACCES ? .noPermission : .configuration)
        }
    }
}

/// One item of the configuration's `listen`, or the value of its `web`: an address, or keys.
///
///     - {address: "0.0.0.0:7334", tls: {certificate: hub.pem, key: hub.key}}
struct ListenerEntry: Equatable, Sendable {
    private enum Key: String, CaseIterable {
        case address, tls, mode, group, proxy
        case proxyNetworks = "proxy-networks"
        case userPrincipals = "user-principals"
        /// Only in `web`.
        case hosts
    }

    private enum TLSKey: String, CaseIterable {
        case certificate, key
        case clientCA = "client-ca"
        case requireClient = "require-client"
        case revoked
        case minimumVersion = "minimum-version"
        case principalFrom = "principal-from"
    }

    /// An item of `user-principals`: a user's name or number, and the name of a principal.
    private struct UserPrincipal: Equatable {
        let user: String
        let principal: String
    }

    private var path = ""
    private var line = 0
    /// The address as it is written.
    private(set) var address = ""
    /// The values of the keys that only listeners of one kind take.
    private var values: [Key: String] = [:]
    private var networks: [NetworkRange] = []
    /// The names that requests to the web door may have in `Host`.
    private(set) var hosts: [String] = []
    /// The key of the configuration to which the entry belongs, `listen` or `web`.
    private let owner: SettingsKey
    /// The TLS of the listener; nil without TLS.
    private(set) var tls: TLSServerContext.Options?
    private var identifiesBy: CertificateNameKind?
    private var userPrincipals: [UserPrincipal] = []

    /// An item that is only an address.
    init(address: String, of owner: SettingsKey = .listen) {
        self.owner = owner
        self.address = address
    }

    /// Returns nil for an item that is neither a text nor keys.
    ///
    /// - Parameter path: the file's path, for error messages.
    init?(_ item: Node, of owner: SettingsKey, in path: String) throws(SettingsError) {
        switch item {
        case .scalar(let scalar): self.init(address: scalar.string, of: owner)
        case .mapping(let mapping): try self.init(mapping, of: owner, in: path, line: item.mark?.line ?? 0)
        case .sequence, .alias: return nil
        }
    }

    private init(
        _ item: Node.Mapping, of owner: SettingsKey, in path: String, line: Int
    ) throws(SettingsError) {
        self.owner = owner
        self.path = path
        self.line = line
        for (node, value) in item {
            let key = try key(node, among: Key.allCases.filter { $0 != .hosts || owner == .web }, line)
            switch key {
            case .address: address = try text(value, of: "address", line)
            case .tls: tls = try parseTLS(value, line)
            case .mode, .group, .proxy: values[key] = try text(value, of: key.rawValue, line)
            case .proxyNetworks: networks = try parseNetworks(value, line)
            case .userPrincipals: userPrincipals = try parseUsers(value, line)
            case .hosts: hosts = try parseHosts(value, line)
            }
        }
        guard !address.isEmpty else { throw error("a listener needs the key \"address\"", line) }
    }

    /// Interprets the values.
    ///
    /// - Parameter address: the item's address.
    func setting(at address: ListenAddress) throws(SettingsError) -> ListenerSetting {
        var setting = ListenerSetting(address, tls: tls)
        let isPath = if case .unix = setting.address { true } else { false }
        let isInherited = if case .inherited = setting.address { true } else { false }
        setting.identifiesBy = identifiesBy
        if !isPath {
            // Whether an inherited socket has a path shows when the daemon starts.
            let isMisplaced = !userPrincipals.isEmpty && !isInherited
            let key = isMisplaced ? .userPrincipals : [Key.mode, .group].first { values[$0] != nil }
            if let key { throw error("\(key.rawValue) is for an address with unix:", line) }
        }
        for item in userPrincipals {
            guard let number = UInt32(item.user) ?? getpwnam(item.user)?.pointee.pw_uid else {
                throw error("user-principals: there is no user \(item.user.debugDescription)", line)
            }
            guard setting.userPrincipals.updateValue(item.principal, forKey: number) == nil else {
                throw error("user-principals: user \(number) has two principals", line)
            }
        }
        if let mode = values[.mode] {
            guard let number = UInt32(mode, radix: 8), number <= 0o777, number & 0o600 == 0o600 else {
                throw error("mode: \(mode.debugDescription) is not an octal number from 0600 to 0777, as in 0660", line)
            }
            setting.mode = number
        }
        if let group = values[.group] {
            guard let number = Self.number(ofGroup: group) else {
                throw error("group: there is no group \(group.debugDescription)", line)
            }
            setting.group = number
        }
        if let proxy = try values[.proxy].map({ text throws(SettingsError) in try entry(text, line).boolean() }), proxy
        {
            guard !isPath else { throw error("proxy is for an address with a port", line) }
            guard !networks.isEmpty else {
                throw error("proxy needs the key \"proxy-networks\", a list as in [10.0.0.0/8]", line)
            }
            setting.proxyNetworks = networks
        } else if !networks.isEmpty {
            throw error("proxy-networks needs the key \"proxy\" with the value true", line)
        }
        return setting
    }

    private static func number(ofGroup name: String) -> UInt32? {
        if let number = UInt32(name) { return number }
        return getgrnam(name)?.pointee.gr_gid
    }

    private func parseNetworks(_ value: Node, _ line: Int) throws(SettingsError) -> [NetworkRange] {
        let nodes = value.sequence.map { Array($0) } ?? [value]
        return try nodes.map { node throws(SettingsError) in
            let text = try text(node, of: Key.proxyNetworks.rawValue, line)
            do throws(SluiceError) { return try NetworkRange(text) } catch {
                throw self.error("proxy-networks: \(error.message)", node.mark?.line ?? line)
            }
        }
    }

    private func parseUsers(_ value: Node, _ line: Int) throws(SettingsError) -> [UserPrincipal] {
        guard case .mapping(let mapping) = value, value.null == nil else {
            throw error("user-principals: write it as {USER: PRINCIPAL, …}", line)
        }
        return try mapping.map { node, value throws(SettingsError) in
            let line = node.mark?.line ?? line
            let principal = try text(value, of: "user-principals", line)
            guard let user = node.string, ChannelName(principal) != nil else {
                throw error("user-principals: \(principal.debugDescription) is not the name of a principal", line)
            }
            return UserPrincipal(user: user, principal: principal)
        }
    }

    private mutating func parseTLS(_ value: Node, _ line: Int) throws(SettingsError) -> TLSServerContext.Options {
        guard case .mapping(let mapping) = value else {
            throw error("tls: write its keys after it in braces, or below it with deeper indentation", line)
        }
        var values: [TLSKey: String] = [:]
        for (node, value) in mapping {
            let key = try key(node, among: TLSKey.allCases, line)
            values[key] = try text(value, of: key.rawValue, node.mark?.line ?? line)
        }
        guard let certificate = values[.certificate], let key = values[.key] else {
            throw error("tls needs the keys \"certificate\" and \"key\"", line)
        }
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: certificate, keyPath: key))
        tls.applicationProtocols = [applicationProtocol]
        tls.clientAuthoritiesPath = values[.clientCA]
        tls.revocationListsPath = values[.revoked]
        let needing: [TLSKey] = [.requireClient, .revoked, .principalFrom]
        if values[.clientCA] == nil, let other = needing.first(where: { values[$0] != nil }) {
            throw error("tls: \(other.rawValue) needs the key \"client-ca\"", line)
        }
        if let requirement = values[.requireClient] {
            tls.requiresClientCertificate = try entry(requirement, line).boolean()
        }
        if let kind = values[.principalFrom] {
            identifiesBy = CertificateNameKind(rawValue: kind)
            if identifiesBy == nil {
                let known = KnownWords(subject: "the kinds", words: CertificateNameKind.allCases.map(\.rawValue))
                throw error(
                    "tls: unknown principal-from \(kind.debugDescription); \(known.suggestion(for: kind))", line)
            }
        }
        switch values[.minimumVersion] {
        case nil, "1.2": break
        case "1.3": tls.minimumVersion = .v1_3
        case let version?: throw error("tls: minimum-version: \(version.debugDescription) is not 1.2 or 1.3", line)
        }
        return tls
    }

    private func parseHosts(_ value: Node, _ line: Int) throws(SettingsError) -> [String] {
        let nodes = value.sequence.map { Array($0) } ?? [value]
        return try nodes.map { node throws(SettingsError) in
            let host = try text(node, of: Key.hosts.rawValue, line)
            if let problem = Self.problem(withHost: host) {
                throw error("hosts: \(host.debugDescription) \(problem)", node.mark?.line ?? line)
            }
            return host
        }
    }

    /// Returns what is wrong with a name that no request could have in `Host`; nil if nothing is.
    private static func problem(withHost host: String) -> String? {
        if host.contains("*") {
            return "is a pattern; write each name, because a page could use every name that a pattern permits"
        }
        guard host.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "must be written as browsers send it, in ASCII (xn--…)"
        }
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return isName && !labels.contains("") ? nil : "is not the name of a host, as in hub.example.org"
    }

    /// The application protocol that clients of the listener may name in TLS. A browser does not name that of the line
    /// protocol, and is refused.
    private var applicationProtocol: String {
        owner == .web ? WebSetting.applicationProtocol : sluiceApplicationProtocol
    }

    private func key<Key: RawRepresentable<String>>(
        _ node: Node, among keys: [Key], _ line: Int
    ) throws(SettingsError) -> Key {
        let word = node.string ?? ""
        if let key = keys.first(where: { $0.rawValue == word }) { return key }
        let known = KnownWords(subject: "the keys", words: keys.map(\.rawValue))
        let entry = entry("", node.mark?.line ?? line)
        throw entry.error("unknown key \(word.debugDescription); \(known.suggestion(for: word))")
    }

    private func text(_ value: Node, of key: String, _ line: Int) throws(SettingsError) -> String {
        guard value.null == nil, let text = value.scalar?.string, !text.isEmpty else {
            throw error("\(key) must have a value", value.mark?.line ?? line)
        }
        return text
    }

    private func entry(_ text: String, _ line: Int) -> SettingsEntry {
        SettingsEntry(key: owner, origin: .file(path: path, line: line), texts: [text])
    }

    private func error(_ problem: String, _ line: Int) -> SettingsError { entry("", line).error(problem) }
}
