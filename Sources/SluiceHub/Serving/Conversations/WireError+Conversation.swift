import SluiceWire

/// The errors of conversations.
extension WireError {
    static let tagInUse = WireError(.tagInUse, "a command with this tag is still pending")
    static let noPrincipals = WireError(.denied, "this server has no principals and requires no AUTH")
    static let tooManyAttempts = WireError(
        .denied, "too many clients of this address or principal try to authenticate; try again")
    static let denied = WireError(.denied, "unknown principal or wrong token")
    static let authenticationRequired = WireError(
        .authRequired, "authenticate first: AUTH principal token")

    static let placeNeeded = WireError(
        .limit,
        "the server is full, and a later connection of this address needs the place of this one; authenticate at once")

    static func tooMuchUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "before AUTH a client may send at most \(limits.authenticationBytes) bytes")
    }

    static func tooManyUnproven(_ limits: HubLimits) -> WireError {
        let count = limits.authenticationCommands
        return WireError(
            .denied, "before AUTH a client may send at most \(count) other command\(count == 1 ? "" : "s")")
    }

    static func tooLateUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "AUTH must come within \(limits.authenticationTimeout.components.seconds) s")
    }

    static func slowLine(_ limits: HubLimits) -> WireError {
        WireError(.limit, "a line must be finished within \(limits.lineTimeout.components.seconds) s")
    }
}
