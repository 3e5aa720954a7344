import SluiceRuntime
import SluiceWire

/// Reports. These are the only calls that visit all channels, operations or clients.
extension HubStateMachine {
    func channelsReport(prefix: ChannelName?) -> ChannelsReport {
        var found: [NamedChannel] = []
        channels.forEach { channel in
            if let prefix, !channel.name.description.hasPrefix(prefix.description) { return }
            found.append(channel)
        }
        let omitted = max(0, found.count - limits.reportRows)
        found.sort { $0.name.description < $1.name.description }
        return ChannelsReport(channels: found.prefix(limits.reportRows).map { report(of: $0) }, omitted: omitted)
    }

    private func report(of channel: NamedChannel) -> ChannelReport {
        let extras = channel.extras
        var report = ChannelReport(
            name: channel.name.description, senders: channel.engine.parkedSenders,
            receivers: channel.engine.parkedReceivers + pausedReceives(of: channel).count,
            buffered: channel.engine.bufferedCount + (extras?.returned.count ?? 0), leased: channel.awayCount,
            sendingEnds: extras?.sendingEnds.count ?? 0, receivingEnds: extras?.receivingEnds.count ?? 0)
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

    /// Reports waiting operations, of which the first has waited longest.
    func waitersReport(on name: ChannelName?) -> WaitersReport {
        var oldest = IndexedHeap<OperationID>()
        var omitted = 0
        operations.forEach { id, operation in
            if let name, !operation.wait.names(name) { return }
            // The operation with the least priority is the youngest and is replaced by an older one.
            let priority = .max - operation.since
            if oldest.count == limits.reportRows {
                omitted += 1
                guard let least = oldest.leastPriority, least < priority else { return }
                _ = oldest.popFirst()
            }
            _ = oldest.insert(id, at: priority)
        }
        var waiters: [WaiterReport] = []
        while let id = oldest.popFirst() {
            if let operation = operations[id] { waiters.append(report(of: operation)) }
        }
        return WaitersReport(waiters: waiters.reversed(), omitted: omitted)
    }

    private func report(of operation: ParkedOperation) -> WaiterReport {
        let client = clients[operation.caller.connection]
        return WaiterReport(
            client: client?.address ?? "-", label: client?.label?.description,
            tag: operation.caller.tag?.description, operation: operation.wait.kind, targets: operation.wait.targets,
            waitingSeconds: seconds(since: operation.since),
            timeoutSeconds: operation.deadline.flatMap { deadlines.priority(of: $0) }.map { seconds(until: $0) },
            state: operation.wait.state)
    }

    /// Reports the clients, of which the first has been connected longest.
    func clientsReport() -> ClientsReport {
        var found: [ClientRecord] = []
        clients.forEach { found.append($1) }
        found.sort { ($0.since, $0.address) < ($1.since, $1.address) }
        let rows = found.prefix(limits.reportRows).map { client in
            ClientReport(
                address: client.address, label: client.label?.description, principal: client.principal?.description,
                connectedSeconds: seconds(since: client.since), pending: Int(client.pendingCount),
                leases: Int(client.leaseCount), ends: client.ends.count)
        }
        return ClientsReport(clients: rows, omitted: found.count - rows.count)
    }

    func stuckReport() -> StuckReport {
        let proved = WaitGraph(of: self, counting: .onlyDeclaredEnds).cycles
        var possible = WaitGraph(of: self, counting: .declaredOrUsed).cycles
        let known = Set(proved.map { Set($0.map(\.client)) })
        possible.removeAll { known.contains(Set($0.map(\.client))) }
        return StuckReport(
            cycles: proved.map { cycle($0, .proved) } + possible.map { cycle($0, .possible) })
    }

    private func cycle(_ steps: [WaitGraph.Step], _ certainty: WaitCycle.Certainty) -> WaitCycle {
        WaitCycle(
            certainty,
            steps: steps.enumerated().map { index, step in
                let client = clients[step.client]
                let next = clients[steps[(index + 1) % steps.count].client]
                return WaitStep(
                    client: client?.address ?? "-", label: client?.label?.description, operation: step.operation,
                    channel: step.name.description, waitingSeconds: seconds(since: step.since),
                    waitsFor: next?.address ?? "-")
            })
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
        case .trace: .trace
        }
    }

    fileprivate var state: WaiterReport.State {
        switch self {
        case .send(_, let offer, _): offer.isLeased ? .underLease : .waiting
        case .countedReceive(let counted): counted.isPaused ? .paused : .waiting
        case .receive, .select, .barrier, .trace: .waiting
        }
    }

    fileprivate var targets: [String] {
        switch self {
        case .send(let channel, _, let arm): [(arm == nil ? "" : "send ") + channel.name.description]
        case .receive(let channel, _, _): [channel.name.description]
        case .countedReceive(let counted): [counted.channel.name.description]
        case .barrier(let barrier, _): [barrier.caption]
        case .trace(let tracer): tracer.prefix.map { [$0.description] } ?? []
        case .select(let select): select.arms.map(\.target)
        }
    }

    /// Whether the operation waits on a channel or barrier with the name.
    fileprivate func names(_ name: ChannelName) -> Bool {
        switch self {
        case .send(let channel, _, _): channel.name == name
        case .receive(let channel, _, _): channel.name == name
        case .countedReceive(let counted): counted.channel.name == name
        case .barrier(let barrier, _): barrier.name == name
        case .trace: false
        case .select(let select):
            select.arms.contains { arm in
                switch arm {
                case .send(let channel, _): channel.name == name
                case .receive(let channel, _, _): channel.name == name
                case .barrier(let barrier, _): barrier.name == name
                }
            }
        }
    }
}

extension ParkedArm {
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
