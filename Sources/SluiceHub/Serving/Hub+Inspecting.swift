import FoundationEssentials
import SluiceRuntime
import SluiceWire

/// Reports on the hub, and their texts.
extension Hub {
    /// Returns a report on the current state of the hub.
    func report(on subject: Inspection.Subject) -> any Report {
        switch subject {
        case .server: serverReport
        case .channels(let prefix): look { $0.machine.channelsReport(prefix: prefix) }
        case .waiters(let channel): look { $0.machine.waitersReport(on: channel) }
        case .clients: look { $0.machine.clientsReport() }
        case .stuck: look { $0.machine.stuckReport() }
        }
    }

    private var serverReport: ServerReport {
        let processes = processes.reports
        let endings = endings
        let refusals = [ConnectionEnding.tooMany, .tooManyOfAddress, .noDescriptor]
        return look { state in
            ServerReport(
                version: SluiceVersion.number, protocolVersion: 1, epoch: epoch,
                uptimeSeconds: seconds(at: state.machine.now),
                isDraining: state.machine.stage != .serving,
                connections: state.machine.connectionCount - state.localCount, parked: state.machine.parkedCount,
                channels: state.machine.channels.count, endedChannels: state.machine.channels.tombstoneCount,
                leases: state.machine.leases.count, bufferedMessages: state.machine.totals.keptMessages,
                bufferedBytes: state.machine.totals.keptBytes, rememberedSends: state.machine.memory.deliveredCount,
                handoffs: state.machine.totals.handoffs,
                refusedConnections: refusals.reduce(0) { $0 + endings[$1, default: 0] },
                endings: Dictionary(uniqueKeysWithValues: endings.map { ($0.key.rawValue, $0.value) }),
                residentBytes: ResidentMemory.bytes, processes: processes)
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
            from: sender, to: receiver, attempt: attempt, droppedBefore: droppedBefore)
    }
}
