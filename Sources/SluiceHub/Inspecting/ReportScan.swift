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

/// Finds the keys of a page whose rows are ordered by age.
///
/// If the report hides nothing, a page costs its rows, and the elements that no report has put in order yet. Otherwise it
/// also costs the elements between its rows.
struct AgePage<Element: Aged> {
    private let limit: Int
    /// The place after which the scan continues; nil for the beginning.
    private var place: AgeMark?
    private(set) var keys: [AgeKey<Element>] = []
    /// The number of rows after those of `keys`: all if the report hides nothing, otherwise 1 if there are any.
    private var following = 0

    init(after start: AgeMark?, limit: Int) {
        place = start
        self.limit = limit
    }

    var found: Int { keys.count + following }
    var memoryBytes: Int { MemoryLayout<AgeKey<Element>>.stride * keys.count }

    /// Continues for about `steps` steps.
    ///
    /// - Parameters:
    ///   - hidesSome: whether the report hides elements of the slab, except those that are about to leave it.
    ///   - look: returns whether the report has a row for an element, and the steps that it took to find out.
    /// - Returns: whether the page is complete.
    mutating func advance(
        _ order: AgeOrder<Element>, _ slab: borrowing Slab<Element>, steps: Int, hidingSome hidesSome: Bool,
        _ look: (SlabKey<Element>, Element) -> (isShown: Bool, steps: Int)
    ) -> Bool {
        var left = order.extend(over: slab, steps: steps)
        while left > 0 {
            guard let key = order.first(after: place) else { return true }
            if !hidesSome, keys.count == limit {
                following = place.map { order.count(after: $0) } ?? order.count
                return true
            }
            place = AgeMark(key)
            left -= 1
            guard let element = slab[key.id] else { continue }
            let seen = look(key.id, element)
            left -= seen.steps
            guard seen.isShown else { continue }
            if keys.count == limit {
                following = 1
                return true
            }
            keys.append(key)
        }
        return false
    }
}

/// Finds the parked operations, the longest wait first.
struct WaiterScan: ReportScan {
    typealias Report = WaitersReport

    let view: ReportView
    private let name: ChannelName?
    private var page: AgePage<ParkedOperation>

    /// - Parameter name: limits the rows to those on a channel or barrier.
    init(on name: ChannelName?, after start: AgeMark?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        self.name = name
        page = AgePage(after: start, limit: limit)
    }

    var found: Int { page.found }
    var memoryBytes: Int { page.memoryBytes }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        page.advance(
            machine.operationOrder, machine.operations, steps: steps, hidingSome: !view.isComplete || name != nil
        ) { [view, name] _, operation in
            if operation.client.departure != nil { return (false, 0) }
            var arms = 0
            if !view.isComplete {
                arms += operation.wait.armCount
                guard operation.isShown(in: view) else { return (false, arms) }
            }
            if let name {
                arms += operation.wait.armCount
                guard operation.wait.names(name), view.shows(name, takesPart: true) else { return (false, arms) }
            }
            return (true, arms)
        }
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<WaiterReport>] {
        read(page.keys) { key in
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
    private var page: AgePage<ClientRecord>

    init(after start: AgeMark?, limit: Int, _ view: ReportView = .complete) {
        self.view = view
        page = AgePage(after: start, limit: limit)
    }

    var found: Int { page.found }
    var memoryBytes: Int { page.memoryBytes }

    mutating func advance(_ machine: borrowing HubStateMachine, steps: Int) -> Bool {
        page.advance(
            machine.clientOrder, machine.clients, steps: steps, hidingSome: !view.showsEverything
        ) { [view] id, client in
            (view.shows(id, client), 0)
        }
    }

    func rows(_ machine: borrowing HubStateMachine) -> [PageRow<ClientReport>] {
        read(page.keys) { key in
            guard let client = machine.clients[key.id] else { return nil }
            let row = machine.report(of: client, for: view)
            return (row, (row.held ?? []).reduce(128) { $0 + 96 + $1.channel.utf8.count })
        } name: {
            $0.name
        }
    }
}
