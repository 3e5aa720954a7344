package import SluiceRuntime
package import SluiceWire

/// An identity that clients prove, and what they may do then.
public struct Principal: Sendable, Equatable {
    /// The digests of the tokens with which a client can authenticate. More than one, so that tokens can be replaced.
    package private(set) var digests: [TokenDigest] = []
    /// The subject of the certificate that proves the identity. Nil if none does.
    public var certificate: String?
    /// What the clients may do.
    public var permissions: Permissions
    /// What the clients may use together.
    public var limits = PrincipalLimits()

    /// Creates a principal without tokens.
    public init(_ permissions: Permissions = Permissions()) { self.permissions = permissions }

    /// Adds a token, of which only the digest is kept.
    ///
    /// - Returns: false if the token is empty or contains a space or a control.
    public mutating func add(token: String) -> Bool {
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        digests.append(TokenDigest(of: token.utf8))
        return true
    }

    /// Adds a token by its digest: `sha256:` and 64 hexadecimal digits.
    ///
    /// - Returns: false if the text is anything else.
    public mutating func add(tokenDigest: String) -> Bool {
        guard let digest = TokenDigest(tokenDigest) else { return false }
        digests.append(digest)
        return true
    }
}

/// What the clients of one principal may use together, where it differs from the limits of the hub.
public struct PrincipalLimits: Sendable, Hashable {
    /// The number of connections. Nil stands for `HubLimits.maxConnectionsPerPrincipal`.
    public var connections: Int?
    /// The bytes of memory. Nil stands for `HubLimits.memoryPerHolder`.
    public var memory: Int?
    /// The declared channels. Nil bounds only those of each connection; see `HubLimits.maxDeclaredChannels`.
    public var declaredChannels: Int?
    /// The delivered messages that are remembered. Beyond it, the principal's oldest ones are forgotten. Nil bounds
    /// only those of all clients together; see `HubLimits.maxRememberedSends`.
    public var rememberedSends: Int?
    /// The number of connections that the principal may have even if the hub has no room for others.
    public var reservedConnections = 0

    /// Creates limits that do not differ.
    public init() {}
}

/// The principals that may use a hub.
public struct Principals: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let principal: Principal
        /// The compiled permissions. Nil permits everything.
        let permissions: PermissionTrie?

        init(_ principal: Principal) {
            self.principal = principal
            permissions = principal.permissions.isUnrestricted ? nil : PermissionTrie(principal.permissions)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.principal == right.principal }
    }

    private var entries: [ChannelName: Entry] = [:]
    private var namesOfCertificates: [String: ChannelName] = [:]
    /// The number of comparisons for each token that a client sends.
    private var mostTokens = 1
    private var anonymousEntry: Entry?
    /// The connections that are reserved for principals.
    private(set) var reservedConnections = 0

    /// Creates an empty set, with which no client can authenticate.
    public init() {}

    /// What clients may do without authentication. Nil if they may only authenticate.
    public var anonymous: Permissions? {
        get { anonymousEntry?.principal.permissions }
        set { anonymousEntry = newValue.map { Entry(Principal($0)) } }
    }

    /// Adds a principal.
    ///
    /// - Parameter name: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
    /// - Returns: false if the name is invalid or was added before, or if another principal has the same certificate.
    public mutating func add(_ name: String, _ principal: Principal) -> Bool {
        guard let name = ChannelName(name), entries[name] == nil else { return false }
        if let certificate = principal.certificate {
            guard namesOfCertificates[certificate] == nil else { return false }
            namesOfCertificates[certificate] = name
        }
        entries[name] = Entry(principal)
        mostTokens = max(mostTokens, principal.digests.count)
        reservedConnections += principal.limits.reservedConnections
        return true
    }

    /// Adds a principal that may do everything.
    ///
    /// - Parameters:
    ///   - name: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
    ///   - token: at least one byte, none of them a space or a control.
    /// - Returns: false if the name or the token is invalid, or if the principal was added before.
    public mutating func add(_ name: String, token: String) -> Bool {
        var principal = Principal(.unrestricted)
        return principal.add(token: token) && add(name, principal)
    }

    /// Returns whether a principal was added.
    public func contains(_ name: String) -> Bool { ChannelName(name).map { entries[$0] != nil } ?? false }

    /// The number of principals.
    public var count: Int { entries.count }

    /// The names of the principals that certificates can identify, in order.
    package var identifiedByCertificates: [String] { namesOfCertificates.values.map(\.description).sorted() }

    /// Returns the name of the principal that a certificate's subject proves; nil if there is none.
    package func name(ofCertificate subject: String) -> ChannelName? { namesOfCertificates[subject] }

    subscript(name: ChannelName) -> Entry? { entries[name] }

    /// The compiled permissions of a client without a principal. Nil permits everything.
    var anonymousPermissions: PermissionTrie? {
        guard let anonymousEntry else { return .nothing }
        return anonymousEntry.permissions
    }

    /// The least share of memory of a principal; nil if none has a share of its own.
    var leastMemory: Int? { entries.values.lazy.compactMap(\.principal.limits.memory).min() }

    /// Stands for the tokens of a principal that does not exist or has none.
    private static let decoy = [TokenDigest(of: TokenDigest.makeToken().utf8)]

    /// Returns whether a token is the principal's.
    ///
    /// The work is the same for a principal that does not exist, and for every number of tokens.
    func accept(_ principal: ChannelName, _ digest: TokenDigest) -> Bool {
        let known = entries[principal]?.principal.digests ?? []
        let digests = known.isEmpty ? Self.decoy : known
        var matches = 0
        for number in 0..<mostTokens where digests[number % digests.count] == digest { matches += 1 }
        return matches > 0 && !known.isEmpty
    }

    /// Returns whether a connection that authenticated earlier may go on.
    func stillAccept(_ identity: ProvenIdentity) -> Bool {
        guard let entry = entries[identity.principal] else { return false }
        switch identity.proof {
        case .token(let digest): return entry.principal.digests.contains(digest)
        case .certificate(let name): return entry.principal.certificate == name
        case .user: return true
        }
    }
}
