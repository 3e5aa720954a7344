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
    /// The messages that it has held longest under a lease, at most ``LeaseReport/mostOfClient``. Nil if it holds none.
    /// Left out of the text.
    public var held: [LeaseReport]?

    package init(
        address: String,
        label: String? = nil,
        principal: String? = nil,
        connectedSeconds: Double,
        pending: Int = 0,
        leases: Int = 0,
        ends: Int = 0,
        memoryBytes: Int? = nil,
        held: [LeaseReport]? = nil
    ) {
        self.address = address
        self.label = label
        self.principal = principal
        self.connectedSeconds = connectedSeconds
        self.pending = pending
        self.leases = leases
        self.ends = ends
        self.memoryBytes = memoryBytes
        self.held = held
    }
}

/// A message that a client holds under a lease, as `CLIENTS` shows it.
public struct LeaseReport: Codable, Sendable, Hashable {
    /// The most leases that the row of a client has.
    package static let mostOfClient = 8

    /// The channel of the message.
    public var channel: String
    /// How often the message has been handed out, this time included.
    public var attempt: Int
    /// How long the client has held the message.
    public var heldSeconds: Double
    /// The time left until the lease ends, unless the client renews it.
    public var leftSeconds: Double

    package init(channel: String, attempt: Int, heldSeconds: Double, leftSeconds: Double) {
        self.channel = channel
        self.attempt = attempt
        self.heldSeconds = heldSeconds
        self.leftSeconds = leftSeconds
    }
}
