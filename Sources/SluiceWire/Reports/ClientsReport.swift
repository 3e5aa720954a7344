/// The answer to `CLIENTS`.
public struct ClientsReport: Report, Hashable {
    /// Who is connected.
    public var clients: [ClientReport]
    /// How many more there are.
    public var omitted: Int

    package init(clients: [ClientReport], omitted: Int = 0) {
        self.clients = clients
        self.omitted = omitted
    }

    /// For people.
    public var text: String {
        if clients.isEmpty, omitted == 0 { return "no client is connected" }
        var table = TextTable(
            .text("CLIENT"), .text("LABEL"), .text("PRINCIPAL"), .number("CONNECTED"), .number("PENDING"),
            .number("LEASES"), .number("ENDS"))
        for client in clients {
            table.append(
                client.address, client.label, client.principal, String(readableSeconds: client.connectedSeconds),
                String(client.pending), String(client.leases), String(client.ends))
        }
        return table.text(omitted: omitted)
    }
}

/// A client as `CLIENTS` shows it.
public struct ClientReport: Codable, Sendable, Hashable {
    /// Where it is.
    public var address: String
    /// What the client calls itself.
    public var label: String?
    /// Who the client has proved to be.
    public var principal: String?
    /// For how long it has been connected.
    public var connectedSeconds: Double
    /// How many of its operations wait.
    public var pending: Int
    /// How many messages it has neither acknowledged nor refused yet.
    public var leases: Int
    /// How many ends of channels it has declared itself to be.
    public var ends: Int

    package init(
        address: String,
        label: String? = nil,
        principal: String? = nil,
        connectedSeconds: Double,
        pending: Int = 0,
        leases: Int = 0,
        ends: Int = 0
    ) {
        self.address = address
        self.label = label
        self.principal = principal
        self.connectedSeconds = connectedSeconds
        self.pending = pending
        self.leases = leases
        self.ends = ends
    }
}
