import SluiceWire

/// What a client may see in a report.
///
/// A client with `inspect: own` sees the channels and barriers in which the connections of its principal take part:
/// where they wait, hold a lease, have joined, or have declared the channel, and those that they have used last. For
/// `CHANNELS`, these are gathered in slices before the report begins, but no more of them than fit a page.
final class ReportView: @unchecked Sendable {
    // Sendable: used only under the hub's lock, because the permissions may change.

    private enum Stage {
        case operations, leases, clients, done
    }

    private let grant: Grant
    private let viewer: ConnectionID
    private let prefix: String
    private let start: String?
    private let limit: Int
    private var stage = Stage.operations
    private var slot = 0
    /// The least of the gathered names, in order.
    private var own: [String] = []
    /// Whether there are more names than those that were gathered. They are greater.
    private(set) var hasMore = false

    /// Shows everything.
    static var complete: ReportView { ReportView(Grant(), ConnectionID(slot: -1, serial: 0)) }

    /// - Parameters:
    ///   - grant: what the client may do now, which may change while the report is taken.
    ///   - viewer: the client.
    ///   - prefix: the names of channels in the report begin with it.
    ///   - start: the names of channels in the report come after it.
    ///   - limit: the most names to gather. 0 for reports without channels.
    init(
        _ grant: Grant, _ viewer: ConnectionID, prefix: ChannelName? = nil, after start: ChannelName? = nil,
        limit: Int = 0
    ) {
        self.grant = grant
        self.viewer = viewer
        self.prefix = prefix?.description ?? ""
        self.start = start?.description
        self.limit = limit
    }

    private var showsOwn: Bool { if case .own? = grant.permissions?.inspection { true } else { false } }

    /// Whether nothing is hidden.
    var isComplete: Bool { grant.permissions == nil }

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
        guard showsOwn, limit > 0 else { return true }
        var left = steps
        while left > 0 {
            var found = 0
            var hasSlots = false
            switch stage {
            case .operations:
                hasSlots = machine.operations.visit(from: &slot, count: 16) { id, operation in
                    guard isOwn(operation.caller.connection, operation.client) else { return }
                    operation.wait.forEachName { insert($0) }
                    found += operation.wait.armCount
                }
            case .leases:
                hasSlots = machine.leases.visit(from: &slot, count: 16) { _, lease in
                    guard let client = machine.clients[lease.holder], isOwn(lease.holder, client) else { return }
                    insert(lease.channel.name)
                    found += 1
                }
            case .clients:
                hasSlots = machine.clients.visit(from: &slot, count: 1) { id, client in
                    guard isOwn(id, client) else { return }
                    for end in client.ends { insert(end.channel.name) }
                    for place in client.usage.entries { insert(place.name) }
                    found += client.ends.count + client.usage.entries.count
                }
            case .done: return true
            }
            left -= 16 + found
            if !hasSlots { beginNextStage() }
        }
        return false
    }

    /// Keeps a name, if it is among the least ones.
    private func insert(_ name: ChannelName) {
        let text = name.description
        guard prefix.isEmpty || text.hasPrefix(prefix) else { return }
        if let start, text <= start { return }
        let place = place(of: text)
        if place < own.count, own[place] == text { return }
        own.insert(text, at: place)
        guard own.count > limit else { return }
        own.removeLast()
        hasMore = true
    }

    /// The place of a name among the gathered ones.
    private func place(of name: String) -> Int {
        var (low, high) = (0, own.count)
        while low < high {
            let middle = (low + high) / 2
            if own[middle] < name { low = middle + 1 } else { high = middle }
        }
        return low
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
    ///
    /// - Parameter takesPart: whether a connection of the principal is known to take part in it.
    func shows(_ name: ChannelName, takesPart: Bool) -> Bool {
        guard let permissions = grant.permissions else { return true }
        if permissions.denies(.inspect, on: name) { return false }
        switch permissions.inspection {
        case .everything: return true
        case .own: return takesPart
        case .nothing: return permissions.allows(.inspect, on: name)
        }
    }

    /// Whether the report may name a channel, in which the principal takes part if it was gathered.
    func shows(_ name: ChannelName) -> Bool {
        if isComplete { return true }
        let text = name.description
        let place = place(of: text)
        return shows(name, takesPart: place < own.count && own[place] == text)
    }

    /// Whether the report has a row for a channel.
    func shows(_ channel: NamedChannel) -> Bool {
        if shows(channel.name) { return true }
        guard let payer = channel.payer, let principal = grant.principal else { return false }
        return payer.principal == principal && shows(channel.name, takesPart: true)
    }

    /// Whether a row would come after names that were not gathered, so that it belongs to a later page.
    func isBeyond(_ name: String) -> Bool { hasMore && own.last.map { name > $0 } ?? false }

    /// Whether the report has a row for a client. One that sees only some channels sees the clients of its principal.
    func shows(_ id: ConnectionID, _ client: ClientRecord) -> Bool { showsEverything || isOwn(id, client) }

    /// Whether the report may have a row for a waiting operation, if it shows what that waits for.
    func showsOperations(of id: ConnectionID, _ client: ClientRecord) -> Bool { !showsOwn || isOwn(id, client) }
}
