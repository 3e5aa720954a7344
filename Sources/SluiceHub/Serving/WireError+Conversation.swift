import SluiceWire

/// What sessions refuse by themselves.
extension WireError {
    static let tagInUse = WireError(.tagInUse, "a command with this tag is pending still")
    static let noUsers = WireError(.denied, "this server knows no users, and takes everybody")
    static let denied = WireError(.denied, "no such user, or not that token")
    static let authenticationRequired = WireError(
        .authRequired, "say who you are first: AUTH principal token")

    static func tooMuchUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "before AUTH a client sends at most \(limits.authenticationBytes) bytes")
    }

    static func tooManyUnproven(_ limits: HubLimits) -> WireError {
        let count = limits.authenticationCommands
        return WireError(.denied, "before AUTH a client sends at most \(count) other command\(count == 1 ? "" : "s")")
    }

    static func tooLateUnproven(_ limits: HubLimits) -> WireError {
        WireError(.denied, "AUTH must come within \(limits.authenticationTimeout.components.seconds) s")
    }

    static func slowLine(_ limits: HubLimits) -> WireError {
        WireError(.limit, "a line must be finished within \(limits.lineTimeout.components.seconds) s")
    }
}
