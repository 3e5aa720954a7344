/// The answer to `CLIENTS`.
public struct ClientsReport: TableReport, Hashable {
    /// The connected clients.
    public var clients: [ClientReport]
    /// The number of clients that the report leaves out.
    public var omitted: Int

    package init(clients: [ClientReport], omitted: Int = 0) {
        self.clients = clients
        self.omitted = omitted
    }

    /// A table for people.
    public var text: String { Self.text(of: clients, omitted: omitted) }

    package init(rows: [ClientReport], omitted: Int) {
        self.init(clients: rows, omitted: omitted)
    }

    package typealias Text = TableText<Self>

    package var rows: [ClientReport] { clients }
    package var omittedRows: Int { omitted }

    package static var rowsKey: String { "clients" }
    package static var emptyText: String { "no client is connected" }

    package static var emptyTable: TextTable {
        TextTable(
            .text("CLIENT"), .text("LABEL"), .text("PRINCIPAL"), .number("CONNECTED"), .number("PENDING"),
            .number("LEASES"), .number("ENDS"))
    }

    package static func cells(of client: ClientReport) -> [String?] {
        [
            client.address, client.label, client.principal, String(readableSeconds: client.connectedSeconds),
            String(client.pending), String(client.leases), String(client.ends),
        ]
    }
}

/// A client as `CLIENTS` shows it.
public struct ClientReport: Codable, Sendable, Hashable {
    /// The client's address.
    public var address: String
    /// The label that the client has chosen with `NAME`.
    public var label: String?
    /// The principal that the client has authenticated as.
    public var principal: String?
    /// The time since the client connected.
    public var connectedSeconds: Double
    /// The number of its pending operations.
    public var pending: Int
    /// The number of messages that it holds under a lease.
    public var leases: Int
    /// The number of ends of channels that it has joined.
    public var ends: Int
    /// The bytes of memory that are charged to it. Nil if the server does not report it. Left out of the text, which
    /// must fit in 80 columns.
    public var memoryBytes: Int?

    package init(
        address: String,
        label: String? = nil,
        principal: String? = nil,
        connectedSeconds: Double,
        pending: Int = 0,
        leases: Int = 0,
        ends: Int = 0,
        memoryBytes: Int? = nil
    ) {
        self.address = address
        self.label = label
        self.principal = principal
        self.connectedSeconds = connectedSeconds
        self.pending = pending
        self.leases = leases
        self.ends = ends
        self.memoryBytes = memoryBytes
    }
}
