import SluiceRuntime
import SluiceWire

/// Finds the rows of a page of a report, in slices between which the hub serves other clients.
///
/// A scan first finds everything that may be on the page and keeps only keys. Then it reads the rows at one moment. So
/// the rows of a page are consistent with each other, and a scan holds the hub's lock only for the time of a slice.
protocol ReportScan {
    associatedtype Report: PagedReport

    /// What the report may show.
    var view: ReportView { get }

    /// The number of rows that the scan has found, counted from the beginning of the page.
    var found: Int { get }

    /// The memory that the scan uses until it is complete, estimated.
    var memoryBytes: Int { get }

    /// Continues the scan for about `steps` steps.
    ///
    /// - Returns: whether the scan is complete.
    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool

    /// Returns the rows of the page, once the scan is complete.
    mutating func rows(_ machine: borrowing HubStateMachine) -> [PageRow<Report.Row>]
}

/// A row of a page.
struct PageRow<Row> {
    let row: Row
    /// The key after which the next page begins if this is the last row of its page.
    let key: String
    /// The number of this row, counted from 1 at the beginning of the page. Rows that were found but no longer exist
    /// also count.
    let number: Int
}

extension ReportScan {
    /// Reads the rows of the sorted keys until the rows fill about a page.
    func read<Key>(
        _ keys: [Key], _ read: (Key) -> (row: Report.Row, bytes: Int)?, name: (Key) -> String
    ) -> [PageRow<Report.Row>] {
        var rows: [PageRow<Report.Row>] = []
        var bytes = 0
        for (index, key) in keys.enumerated() where bytes < ReportPage.maxBytes {
            guard let found = read(key) else { continue }
            bytes += found.bytes
            rows.append(PageRow(row: found.row, key: name(key), number: index + 1))
        }
        return rows
    }
}

/// Finds the channels whose names begin with a prefix, in the order of their names.
///
/// A client that may see all channels pays for the rows of its page, and for the channels that were created since the
/// last report. Another one also pays for the channels between its rows.
struct ChannelScan: ReportScan {
    typealias Report = ChannelsReport

    /// The steps to put a channel in its place of the order.
    private static var stepsOfNewcomer: Int { 4 }

    let view: ReportView
    private let prefix: String
    private let limit: Int
    /// The name after which the scan continues; nil for the beginning of the prefix.
    private var place: String?
    /// The channels that were created before the scan began and must be put in order first. Nil before that.
    private var newcomers: Int?
    private var names: [String] = []
    /// The number of rows after those of `names`: all if the client may see all channels, otherwise 1 if there are any.
    private var following = 0

    /// Channels that were not gathered count as one.
    var found: Int { names.count + max(following, view.hasMore ? 1 : 0) }

    init(prefix: ChannelName?, after: ChannelName?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        self.limit = limit
        self.prefix = prefix?.description ?? ""
        place = after?.description
    }

    // A kept name is a string whose bytes are in an object of their own.
    var memoryBytes: Int { 80 * names.count }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        let order = machine.channels.order
        var left = steps
        if newcomers == nil {
            machine.channels.orderRecent()
            newcomers = order.newcomerCount
        }
        if let waiting = newcomers, waiting > 0 {
            let taken = order.takeNewcomers(atMost: min(waiting, max(1, steps / Self.stepsOfNewcomer)))
            left -= taken * Self.stepsOfNewcomer
            newcomers = taken == 0 ? 0 : waiting - taken
            if newcomers != 0 { return false }
        }
        var next = order.first { [place, prefix] name in place.map { name <= $0 } ?? false || name < prefix }
        while let channel = next {
            let name = channel.name.description
            guard prefix.isEmpty || name.hasPrefix(prefix), !view.isBeyond(name) else { return true }
            if view.isComplete, names.count == limit {
                following = order.count { $0 < name || prefix.isEmpty || $0.hasPrefix(prefix) }
                following -= order.count { $0 < name }
                return true
            }
            guard left > 0 else { return false }
            left -= 1
            place = name
            if view.shows(channel) {
                guard names.count < limit else {
                    following = 1
                    return true
                }
                names.append(name)
            }
            next = order.next(after: channel)
        }
        return true
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<ChannelReport>] {
        read(names) { name in
            guard let known = ChannelName(name), let channel = machine.channels.existing(known) else { return nil }
            let row = machine.report(of: channel, for: view)
            return (row, name.utf8.count + (row.reason?.utf8.count ?? 0))
        } name: {
            $0
        }
    }
}

/// The place of an operation or a client among all, the oldest first.
struct AgeKey<Element>: Comparable {
    let since: UInt64
    let id: SlabKey<Element>

    static func < (left: AgeKey, right: AgeKey) -> Bool {
        (left.since, left.id.serial) < (right.since, right.id.serial)
    }

    static func == (left: AgeKey, right: AgeKey) -> Bool {
        (left.since, left.id.serial) == (right.since, right.id.serial)
    }

    /// The text of the key in `more=` and `after=`.
    var name: String { "\(since)-\(id.serial)" }
}

/// The key after which a page begins, in a report whose rows are ordered by age.
struct AgeMark {
    let since: UInt64
    let serial: UInt32

    /// Returns nil if the key is malformed.
    init?(_ key: ChannelName) {
        let parts = key.description.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let since = UInt64(parts[0]), let serial = UInt32(parts[1]) else { return nil }
        (self.since, self.serial) = (since, serial)
    }

    func precedes<Element>(_ key: AgeKey<Element>) -> Bool { (since, serial) < (key.since, key.id.serial) }
}

/// Finds the parked operations, the longest wait first.
struct WaiterScan: ReportScan {
    typealias Report = WaitersReport

    let view: ReportView
    private let name: ChannelName?
    private let start: AgeMark?
    private var slot = 0
    private var oldest: LeastKeys<AgeKey<ParkedOperation>>
    private(set) var found = 0

    /// - Parameter name: limits the rows to those on a channel or barrier.
    init(on name: ChannelName?, after: AgeMark?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        self.name = name
        start = after
        oldest = LeastKeys(limit: limit)
    }

    var memoryBytes: Int { MemoryLayout<AgeKey<ParkedOperation>>.stride * oldest.count }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        var left = steps
        while left > 0 {
            var arms = 0
            var next = slot
            let hasMore = machine.operations.visit(from: &next, count: 16) { id, operation in
                if operation.client.departure != nil { return }
                if !view.isComplete {
                    arms += operation.wait.armCount
                    guard operation.isShown(in: view) else { return }
                }
                if let name {
                    arms += operation.wait.armCount
                    guard operation.wait.names(name), view.shows(name, takesPart: true) else { return }
                }
                let key = AgeKey(since: operation.since, id: id)
                if let start, !start.precedes(key) { return }
                found += 1
                oldest.insert(key)
            }
            slot = next
            if !hasMore { return true }
            left -= 16 + arms
        }
        return false
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<WaiterReport>] {
        read(oldest.sorted) { key in
            guard let operation = machine.operations[key.id] else { return nil }
            let row = machine.report(of: operation, for: view)
            return (row, row.targets.reduce(64) { $0 + $1.utf8.count })
        } name: {
            $0.name
        }
    }
}

/// Finds the clients, the oldest connection first.
struct ClientScan: ReportScan {
    typealias Report = ClientsReport

    let view: ReportView
    private let start: AgeMark?
    private var slot = 0
    private var oldest: LeastKeys<AgeKey<ClientRecord>>
    private(set) var found = 0

    init(after: AgeMark?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        start = after
        oldest = LeastKeys(limit: limit)
    }

    var memoryBytes: Int { MemoryLayout<AgeKey<ClientRecord>>.stride * oldest.count }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        var next = slot
        defer { slot = next }
        return !machine.clients.visit(from: &next, count: steps) { id, client in
            guard view.shows(id, client) else { return }
            let key = AgeKey(since: client.since, id: id)
            if let start, !start.precedes(key) { return }
            found += 1
            oldest.insert(key)
        }
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<ClientReport>] {
        read(oldest.sorted) { key in
            guard let client = machine.clients[key.id] else { return nil }
            let row = machine.report(of: client, for: view)
            return (row, (row.held ?? []).reduce(128) { $0 + 96 + $1.channel.utf8.count })
        } name: {
            $0.name
        }
    }
}
