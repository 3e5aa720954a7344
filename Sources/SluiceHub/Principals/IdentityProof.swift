package import SluiceRuntime
package import SluiceWire

/// What has proved the principal of a connection.
enum IdentityProof: Sendable, Hashable {
    case token(TokenDigest)
    /// The name in the client's certificate.
    case certificate(String)
    /// The listener's settings name the user of the client's process.
    case user
}

/// How a listener learns the principals of its clients before these send `AUTH`.
package struct PrincipalMapping: Sendable {
    /// The kind of names in the clients' certificates that identify principals. Nil if certificates do not.
    package var certificateNames: CertificateNameKind?
    /// The principals of the users that connect through a Unix-domain socket.
    package var users: [UInt32: ChannelName] = [:]

    /// Creates a mapping without principals.
    package init() {}

    /// Identifies a client by the user of its process; nil if the user has no principal.
    func identity(ofUser user: UInt32?) -> ProvenIdentity? {
        user.flatMap { users[$0] }.map { ProvenIdentity(principal: $0, proof: .user) }
    }

    /// Identifies a client by the first name in its certificate that a principal has; nil if there is none.
    func identity(of socket: borrowing DetachedSocket, in principals: Principals?) -> ProvenIdentity? {
        guard let certificateNames, let principals else { return nil }
        for name in socket.peerNames(certificateNames) {
            guard let principal = principals.name(ofCertificate: name) else { continue }
            return ProvenIdentity(principal: principal, proof: .certificate(name))
        }
        return nil
    }
}

/// A principal, and what has proved that a client is it.
struct ProvenIdentity: Sendable {
    let principal: ChannelName
    let proof: IdentityProof
}
