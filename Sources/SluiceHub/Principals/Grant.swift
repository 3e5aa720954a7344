import SluiceWire

/// What the connections of one principal may do, or those without a principal.
///
/// The connections keep the object. So replacing the permissions applies to all of them at once.
final class Grant: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// Nil for clients of this process, and for clients that have not authenticated.
    let principal: ChannelName?
    /// Nil permits everything.
    @exclusivity(unchecked) var permissions: PermissionTrie?
    @exclusivity(unchecked) var limits = PrincipalLimits()
    /// The number of connections of the principal.
    @exclusivity(unchecked) var connections = 0

    init(of principal: ChannelName? = nil) { self.principal = principal }

    /// Adopts the present permissions and limits of the principal.
    func adopt(_ principals: Principals?) {
        guard let principals else {
            permissions = nil
            limits = PrincipalLimits()
            return
        }
        guard let principal else { return permissions = principals.anonymousPermissions }
        let entry = principals[principal]
        permissions = entry == nil ? .nothing : entry?.permissions
        limits = entry?.principal.limits ?? PrincipalLimits()
    }
}
