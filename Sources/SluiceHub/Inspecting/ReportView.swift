import SluiceWire

/// What a client may see in a report.
///
/// A client with `inspect: own` sees the channels and barriers in which the connections of its principal take part:
/// where they wait, hold a lease, have joined, or have declared the channel, and those that they have used last. They
/// are gathered in slices, before the report begins.
final class ReportView: @unchecked Sendable {
    // Sendable: used only under the hub's lock, because the permissions may change.

    private enum Stage {
        case operations, leases, clients, done
    }

    private let grant: Grant
    private let viewer: ConnectionID
    private var stage = Stage.operations
    private var slot = 0
    private var own: Set<ChannelName> = []

    /// Shows everything.
    static var complete: ReportView { ReportView(Grant(), ConnectionID(slot: -1, serial: 0)) }

    /// - Parameters:
    ///   - grant: what the client may do now, which may change while the report is taken.
    ///   - viewer: the client.
    init(_ grant: Grant, _ viewer: ConnectionID) {
        self.grant = grant
        self.viewer = viewer
    }

    private var showsOwn: Bool { if case .own? = grant.permissions?.inspection { true } else { false } }

    /// Whether the report shows the server as a whole, and every client.
    var showsEverything: Bool {
        guard let permissions = grant.permissions else { return true }
        return if case .everything = permissions.inspection { true } else { false }
    }

    /// Returns the error if the client may not have a report.
    func refusal(of subject: Inspection.Subject) -> WireError? {
        guard let permissions = grant.permissions else { return nil }
        if showsEverything { return nil }
        if case .server = subject { return .denied(subject.verb) }
        return showsOwn || permissions.mayAllow(.inspect, onNamesFrom: nil) ? nil : .denied(subject.verb)
    }

    // MARK: Gathering

    /// Continues to gather the names in which the client's principal takes part, for about `steps` steps.
    ///
    /// - Returns: whether all are gathered.
    func gather(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        guard showsOwn else { return true }
        var left = steps
        while left > 0 {
            var found = 0
            var hasMore = false
            switch stage {
            case .operations:
                hasMore = machine.operations.visit(from: &slot, count: 16) { id, operation in
                    guard isOwn(operation.caller.connection, operation.client) else { return }
                    operation.wait.forEachName { own.insert($0) }
                    found += operation.wait.armCount
                }
            case .leases:
                hasMore = machine.leases.visit(from: &slot, count: 16) { _, lease in
                    guard let client = machine.clients[lease.holder], isOwn(lease.holder, client) else { return }
                    own.insert(lease.channel.name)
                    found += 1
                }
            case .clients:
                hasMore = machine.clients.visit(from: &slot, count: 1) { id, client in
                    guard isOwn(id, client) else { return }
                    for end in client.ends { own.insert(end.channel.name) }
                    for place in client.usage.entries { own.insert(place.name) }
                    found += client.ends.count + client.usage.entries.count
                }
            case .done: return true
            }
            left -= 16 + found
            if !hasMore { beginNextStage() }
        }
        return false
    }

    private func beginNextStage() {
        slot = 0
        stage =
            switch stage {
            case .operations: .leases
            case .leases: .clients
            case .clients, .done: .done
            }
    }

    // MARK: Showing

    /// Whether a connection is the client's own, or belongs to the same principal.
    private func isOwn(_ id: ConnectionID, _ client: ClientRecord) -> Bool {
        if id == viewer { return true }
        guard let principal = grant.principal else { return false }
        return client.principal == principal
    }

    /// Whether the report may name a channel or a barrier.
    func shows(_ name: ChannelName) -> Bool {
        guard let permissions = grant.permissions else { return true }
        if permissions.denies(.inspect, on: name) { return false }
        switch permissions.inspection {
        case .everything: return true
        case .own: return own.contains(name)
        case .nothing: return permissions.allows(.inspect, on: name)
        }
    }

    /// Whether the report has a row for a channel.
    func shows(_ channel: NamedChannel) -> Bool {
        if shows(channel.name) { return true }
        guard showsOwn, let payer = channel.payer, let principal = grant.principal else { return false }
        return payer.principal == principal && grant.permissions?.denies(.inspect, on: channel.name) == false
    }

    /// Whether the report has a row for a client. One that sees only some channels sees the clients of its principal.
    func shows(_ id: ConnectionID, _ client: ClientRecord) -> Bool { showsEverything || isOwn(id, client) }

    /// Whether the report may have a row for a waiting operation, if it shows what that waits for.
    func showsOperations(of id: ConnectionID, _ client: ClientRecord) -> Bool { !showsOwn || isOwn(id, client) }
}
