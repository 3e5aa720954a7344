import SluiceWire

/// The principals that may use a hub, each with its token.
public struct Users: Sendable, Equatable {
    private var tokens: [ChannelName: [UInt8]] = [:]

    /// Creates an empty set, with which no client can authenticate.
    public init() {}

    /// Adds a user.
    ///
    /// - Parameters:
    ///   - principal: a name: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
    ///   - token: at least one byte, none of them a space or a control.
    /// - Returns: false if the name or the token is invalid, or if the principal was added before.
    public mutating func add(_ principal: String, token: String) -> Bool {
        guard let name = ChannelName(principal), tokens[name] == nil, !token.isEmpty,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return false }
        tokens[name] = Array(token.utf8)
        return true
    }

    /// The number of principals.
    public var count: Int { tokens.count }

    /// Returns whether the principal is a user.
    func contains(_ principal: ChannelName) -> Bool { tokens[principal] != nil }

    /// The principals that `other` does not have, or has with another token.
    func missing(in other: Users) -> Set<ChannelName> {
        Set(tokens.keys.filter { other.tokens[$0] != tokens[$0] })
    }

    /// Returns whether the token is the principal's. The time that this takes does not depend on where they differ.
    func accept(_ credentials: Credentials) -> Bool {
        let expected = tokens[credentials.principal]
        let reference = expected ?? credentials.token
        var difference = UInt8(reference.count == credentials.token.count && expected != nil ? 0 : 1)
        for (index, byte) in credentials.token.enumerated() {
            difference |= byte ^ (reference.isEmpty ? 0 : reference[index % reference.count])
        }
        return difference == 0
    }
}
