import FoundationEssentials
import SluiceRuntime
import SluiceWire

/// Reports on the hub, and their texts.
extension Hub {
    /// Returns a job that takes a report for a client.
    ///
    /// - Throws: `bad-option` if the key after which the page begins is malformed; `denied` if the client may not have
    ///   the report.
    func job(for inspection: Inspection, by id: ConnectionID) throws(WireError) -> any ReportJob {
        let (page, format) = (inspection.page, inspection.format)
        let limit = min(page.limit ?? .max, limits.reportRows)
        let (view, refusal) = look { state in
            let grant = (state.machine.clients[id] ?? state.machine.unknownClient).grant
            var view = ReportView(grant, id)
            if case .channels(let prefix) = inspection.subject {
                view = ReportView(grant, id, prefix: prefix, after: page.after, limit: limit)
            }
            return (view, view.refusal(of: inspection.subject))
        }
        if let refusal { throw refusal }
        switch inspection.subject {
        case .server: return ServerJob(format, view)
        case .channels(let prefix):
            return PageJob(ChannelScan(prefix: prefix, after: page.after, limit: limit, view), format)
        case .waiters(let channel):
            return PageJob(
                WaiterScan(on: channel, after: try key(page.after, AgeMark.init), limit: limit, view), format)
        case .clients: return PageJob(ClientScan(after: try key(page.after, AgeMark.init), limit: limit, view), format)
        case .stuck: return PageJob(StuckScan(after: try key(page.after, CycleKey.init), limit: limit, view), format)
        }
    }

    private func key<Key>(_ word: ChannelName?, _ read: (ChannelName) -> Key?) throws(WireError) -> Key? {
        guard let word else { return nil }
        guard let key = read(word) else {
            throw WireError(.badOption, "after= must be the more= of the page before")
        }
        return key
    }

    /// How long operations were parked, however they ended.
    package var waits: TimeHistogram { look { $0.machine.totals.waits } }

    var serverReport: ServerReport { serverReport(for: .complete) }

    /// Returns the report on the server as a whole for a client that may see it.
    func serverReport(for view: ReportView) -> ServerReport {
        let endings = endings
        let refusals = [ConnectionEnding.tooMany, .tooManyOfAddress, .noDescriptor]
        let known = processes
        return look { state in
            ServerReport(
                version: SluiceVersion.number, protocolVersion: 1, epoch: epoch,
                uptimeSeconds: seconds(at: state.machine.now),
                isDraining: state.machine.stage != .serving,
                connections: state.machine.connectionCount - state.localCount, parked: state.machine.parkedCount,
                channels: state.machine.channels.count, endedChannels: state.machine.channels.tombstoneCount,
                leases: state.machine.leases.count, bufferedMessages: state.machine.totals.bufferedMessages,
                bufferedBytes: state.machine.totals.keptBytes, rememberedSends: state.machine.memory.deliveredCount,
                handoffs: state.machine.totals.handoffs, rejections: state.machine.totals.rejections,
                deadLetters: state.machine.totals.deadLetters,
                waitingDeadLetters: state.machine.totals.heldRejections,
                refusedConnections: refusals.reduce(0) { $0 + endings[$1, default: 0] },
                endings: Dictionary(uniqueKeysWithValues: endings.map { ($0.key.rawValue, $0.value) }),
                residentBytes: ResidentMemory.bytes, memoryBytes: state.machine.account.used,
                memoryLimitBytes: state.machine.account.bounds.whole, processes: known.reports(for: view))
        }
    }

    private func seconds(at time: UInt64) -> Double { Double(time &- startNanoseconds) / 1e9 }
}

extension Report {
    /// Encodes the report, without the last line end.
    func body(_ format: ReportFormat) -> Body {
        switch format {
        case .text: return Body(text.utf8)
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Reports hold nothing that JSON cannot express.
            return (try? encoder.encode(self)).map { Body($0) } ?? Body("{}".utf8)
        }
    }
}

extension Handoff {
    /// Returns the handoff as a trace reports it.
    ///
    /// - Parameter start: the start of the hub, in nanoseconds of its clock.
    func report(since start: UInt64) -> HandoffReport {
        HandoffReport(
            secondsSinceStart: Double(time &- start) / 1e9, channel: channel.description, bodyBytes: bodyBytes,
            from: sender.address, fromLabel: sender.label, to: receiver.address, toLabel: receiver.label,
            attempt: attempt, droppedBefore: droppedBefore)
    }
}
