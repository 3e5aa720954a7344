import SluiceRuntime
import SluiceWire

/// The rows of reports.
extension HubStateMachine {
    func report(of channel: NamedChannel, for view: ReportView) -> ChannelReport {
        let extras = channel.extras
        let counts = channel.counts
        // Messages that came back and have no space in a buffer wait with their senders.
        let returned =
            channel.isOnce ? 0 : channel.engine.bufferedCount + (extras?.returned.count ?? 0) - counts.buffered
        var report = ChannelReport(
            name: channel.name.description, senders: channel.engine.parkedSenders + returned,
            receivers: channel.engine.parkedReceivers + channel.pausedCountedReceives,
            buffered: counts.buffered, leased: channel.awayCount,
            sendingEnds: extras?.sendingEnds.count ?? 0, receivingEnds: extras?.receivingEnds.count ?? 0,
            sent: counts.sent, taken: counts.taken, redelivered: counts.redelivered,
            rejected: counts.rejected,
            longestWaitSeconds: oldestWait(on: channel).map { seconds(since: $0) })
        // The engine's kind, because a closed channel no longer has a declaration.
        switch channel.engine.kind {
        case .buffered(let capacity): report.capacity = capacity
        case .droppingNewest(let capacity):
            report.capacity = capacity
            report.overflow = .dropNewest
        case .droppingOldest(let capacity):
            report.capacity = capacity
            report.overflow = .dropOldest
        case .once: report.kind = .once
        case .rendezvous, .unbounded: report.kind = channel.isBroadcast ? .broadcast : .queue
        }
        if let policy = extras?.policy {
            report.maxAttempts = policy.maxAttempts
            report.retrySeconds = policy.retryDelay.map { $0 / .seconds(1) }
            if let dead = policy.deadChannel, view.shows(dead) {
                report.dead = dead.description
                report.waitingDeadLetters = extras?.held.count
            }
        }
        switch channel.engine.ending {
        // A once channel that has its value is still open for receivers.
        case .closed(let reason) where !channel.isOnce || extras?.declaration == nil:
            report.state = .closed
            report.reason = reason
        case .poisoned(let reason):
            report.state = .poisoned
            report.reason = reason
        case .closed, nil: break
        }
        return report
    }

    /// The time since which the oldest operation in the channel's queue waits. Nil if none waits.
    private func oldestWait(on channel: NamedChannel) -> UInt64? {
        let sender = channel.engine.firstParkedMessage?.sender.flatMap { operations[$0.operation]?.since }
        let receiver = channel.engine.firstParkedReceiver.flatMap { operations[$0.operation]?.since }
        return [sender, receiver].compactMap { $0 }.min()
    }

    func report(of operation: ParkedOperation, for view: ReportView) -> WaiterReport {
        let client = clients[operation.caller.connection]
        return WaiterReport(
            client: client?.address ?? "-", label: client?.label?.description,
            tag: operation.caller.tag?.description, operation: operation.wait.kind,
            targets: operation.wait.targets(for: view),
            waitingSeconds: seconds(since: operation.since),
            timeoutSeconds: operation.deadline.flatMap { deadlines.priority(of: $0) }.map { seconds(until: $0) },
            state: operation.wait.state)
    }

    func report(of client: ClientRecord, for view: ReportView) -> ClientReport {
        ClientReport(
            address: client.address, label: client.label?.description, principal: client.principal?.description,
            connectedSeconds: seconds(since: client.since),
            pending: client.departure == nil ? Int(client.pendingCount) : 0,
            leases: Int(client.leaseCount), ends: client.ends.count, memoryBytes: client.charged,
            held: client.leaseCount == 0 ? nil : leases(of: client, for: view))
    }

    /// The leases of a client that are shown, the oldest first.
    private func leases(of client: ClientRecord, for view: ReportView) -> [LeaseReport] {
        var rows: [LeaseReport] = []
        var next = client.lastLease
        var visited = 0
        while let id = next, let lease = leases[id], visited < LeaseReport.mostOfClient {
            next = lease.previous
            visited += 1
            guard view.shows(lease.channel.name, takesPart: true) else { continue }
            rows.append(
                LeaseReport(
                    channel: lease.channel.name.description, attempt: lease.offer.attempts,
                    heldSeconds: seconds(since: lease.since), leftSeconds: seconds(until: lease.end)))
        }
        return rows
    }

    /// Returns the row for a cycle of `WaitGraph`. The row of a long cycle has only the steps that fit on a page.
    func report(of steps: [WaitGraph.Step], _ certainty: WaitCycle.Certainty) -> WaitCycle {
        var shown: [WaitStep] = []
        var bytes = 0
        for (index, step) in steps.enumerated() {
            let row = report(of: step, before: steps[(index + 1) % steps.count])
            // A step takes about as many bytes in a sentence as in JSON.
            bytes +=
                160 + row.client.utf8.count + row.channel.utf8.count + row.waitsFor.utf8.count
                + (row.label?.utf8.count ?? 0)
            if bytes > ReportPage.maxBytes - 1024 { break }
            shown.append(row)
        }
        let omitted = steps.count - shown.count
        return WaitCycle(certainty, steps: shown, omittedSteps: omitted == 0 ? nil : omitted)
    }

    private func report(of step: WaitGraph.Step, before next: WaitGraph.Step) -> WaitStep {
        let client = clients[step.client]
        return WaitStep(
            client: client?.address ?? "-", label: client?.label?.description, operation: step.operation,
            channel: step.name.description, waitingSeconds: seconds(since: step.since),
            waitsFor: clients[next.client]?.address ?? "-")
    }

    private func seconds(since time: UInt64) -> Double { Double(now &- time) / 1e9 }
    private func seconds(until time: UInt64) -> Double { time > now ? Double(time - now) / 1e9 : 0 }
}

extension OperationWait {
    fileprivate var kind: WaiterReport.Operation {
        switch self {
        case .send(_, _, let arm): arm == nil ? .send : .select
        case .receive, .countedReceive: .receive
        case .select: .select
        case .barrier: .barrier
        case .redrive: .redrive
        case .trace: .trace
        }
    }

    fileprivate var state: WaiterReport.State {
        switch self {
        case .send(_, let offer, _): offer.isLeased ? .underLease : .waiting
        case .countedReceive(let counted): counted.isPaused ? .paused : .waiting
        case .receive, .select, .barrier, .redrive, .trace: .waiting
        }
    }

    /// What the operation waits for, as far as a report may name it.
    fileprivate func targets(for view: ReportView) -> [String] {
        switch self {
        case .send(let channel, _, let arm):
            view.shows(channel.name, takesPart: true) ? [(arm == nil ? "" : "send ") + channel.name.description] : []
        case .receive(let channel, _, _): view.shows(channel.name, takesPart: true) ? [channel.name.description] : []
        case .countedReceive(let counted):
            view.shows(counted.channel.name, takesPart: true) ? [counted.channel.name.description] : []
        case .barrier(let barrier, _): view.shows(barrier.name, takesPart: true) ? [barrier.caption] : []
        case .redrive(let work): view.shows(work.channel.name, takesPart: true) ? [work.channel.name.description] : []
        case .trace(let tracer): tracer.prefix.map { view.shows($0, takesPart: true) ? [$0.description] : [] } ?? []
        case .select(let select): select.arms.filter { view.shows($0.name, takesPart: true) }.map(\.target)
        }
    }

    /// Visits the names of the channels and barriers that the operation waits on.
    func forEachName(_ visit: (ChannelName) -> Void) {
        switch self {
        case .send(let channel, _, _), .receive(let channel, _, _): visit(channel.name)
        case .countedReceive(let counted): visit(counted.channel.name)
        case .barrier(let barrier, _): visit(barrier.name)
        case .redrive(let work): visit(work.channel.name)
        case .trace: break
        case .select(let select): for arm in select.arms { visit(arm.name) }
        }
    }

    /// The number of channels and barriers that the operation waits on.
    var armCount: Int { if case .select(let select) = self { select.arms.count } else { 1 } }

    /// Whether the operation waits on a channel or barrier with the name.
    func names(_ name: ChannelName) -> Bool {
        switch self {
        case .send(let channel, _, _): channel.name == name
        case .receive(let channel, _, _): channel.name == name
        case .countedReceive(let counted): counted.channel.name == name
        case .barrier(let barrier, _): barrier.name == name
        case .redrive(let work): work.channel.name == name
        case .trace: false
        case .select(let select):
            select.arms.contains { $0.name == name }
        }
    }
}

extension ParkedOperation {
    /// Whether a report may have a row for the operation.
    func isShown(in view: ReportView) -> Bool {
        guard view.showsOperations(of: caller.connection, client) else { return false }
        // A trace names a prefix, which belongs to its client.
        if case .trace = wait { return view.shows(caller.connection, client) }
        var isShown = false
        wait.forEachName { if !isShown, view.shows($0, takesPart: true) { isShown = true } }
        return isShown
    }
}

extension ParkedArm {
    /// The name of the channel or barrier.
    fileprivate var name: ChannelName {
        switch self {
        case .send(let channel, _), .receive(let channel, _, _): channel.name
        case .barrier(let barrier, _): barrier.name
        }
    }

    fileprivate var target: String {
        switch self {
        case .send(let channel, _): "send \(channel.name)"
        case .receive(let channel, _, _): "recv \(channel.name)"
        case .barrier(let barrier, _): "barrier \(barrier.caption)"
        }
    }
}

extension Barrier {
    /// The name, and the number of arrived and of expected parties.
    fileprivate var caption: String {
        guard let parties else { return name.description }
        return "\(name) (\(count) of \(parties))"
    }
}
