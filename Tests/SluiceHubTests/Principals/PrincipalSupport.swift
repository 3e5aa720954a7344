import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

extension Permissions {
    /// Permits classes of commands on all names that begin with a prefix.
    static func allowing(
        _ classes: CommandClass..., on prefix: String = "", inspecting inspection: Inspection = .nothing,
        mayKill: Bool = false
    ) -> Permissions {
        var permissions = Permissions()
        for commands in classes { permissions.allow(commands, on: prefix) }
        permissions.inspection = inspection
        permissions.mayKill = mayKill
        return permissions
    }

    /// Returns the same permissions without those of a class on a prefix.
    func denying(_ commands: CommandClass, on prefix: String) -> Permissions {
        var permissions = self
        permissions.deny(commands, on: prefix)
        return permissions
    }
}

extension Principals {
    /// Principals with the token `t`. The principal `root` may do everything.
    static func named(_ permissions: [String: Permissions], anonymous: Permissions? = nil) -> Principals {
        var principals = Principals()
        for (name, permissions) in permissions {
            var principal = Principal(permissions)
            _ = principal.add(token: "t")
            _ = principals.add(name, principal)
        }
        _ = principals.add("root", token: "t")
        principals.anonymous = anonymous
        return principals
    }
}

extension HubStateMachine {
    /// Records that a connection belongs to a principal that it has proved to be.
    mutating func authenticate(_ connection: ConnectionID, as principal: ChannelName) -> WireError? {
        authenticate(connection, as: ProvenIdentity(principal: principal, proof: .user))
    }
}

extension TestHub {
    /// Creates a hub with principals.
    init(_ principals: [String: Permissions], limits: HubLimits = HubLimits(), anonymous: Permissions? = nil) {
        self.init(limits: limits)
        machine.adopt(Principals.named(principals, anonymous: anonymous))
    }

    /// Adds a connection of a principal.
    mutating func connect(as principal: String) throws -> ConnectionID {
        let connection = connect()
        let error = machine.authenticate(connection, as: try channel(principal))
        try #require(error == nil)
        return connection
    }

    mutating func change(_ principals: [String: Permissions], anonymous: Permissions? = nil) {
        machine.adopt(Principals.named(principals, anonymous: anonymous))
        while !machine.unfinished.isEmpty {
            machine.sliceEnd = machine.steps + 500
            machine.continueUnfinished()
        }
        machine.sliceEnd = .max
    }
}

extension HubService {
    /// Connects a client, and authenticates it unless the principal is nil.
    func connect(as principal: String?) async throws -> Client {
        let client = try await connect()
        if let principal {
            try await client.say("AUTH \(principal) t\n")
            try await client.hear("OK\n")
        }
        return client
    }
}

extension Client {
    /// Sends a line, and returns the reply's line.
    func ask(_ line: String) async throws -> String {
        try await say(line + "\n")
        return try await hearLine()
    }
}

/// The text of the refusal of a command on a name.
func noPermission(_ verb: String, _ name: String = "", _ detail: String = "") -> String {
    "this client has no permission for \(verb)\(name.isEmpty ? "" : " ")\(name)\(detail)"
}
