import SluiceWire

@testable import SluiceHub

extension HubStateMachine {
    /// Returns the page that a scan finds.
    ///
    /// - Parameter steps: the steps of each slice.
    func page<Scan: ReportScan>(_ scan: Scan, steps: Int = 100) -> Scan.Report {
        var scan = scan
        while !scan.advance(self, steps: steps) {}
        let rows = scan.rows(self)
        return Scan.Report(rows: rows.map(\.row), omitted: scan.found - (rows.last?.number ?? 0))
    }

    func channelsReport(prefix: ChannelName?) -> ChannelsReport {
        page(ChannelScan(prefix: prefix, after: nil, limit: limits.reportRows))
    }

    func waitersReport(on name: ChannelName?) -> WaitersReport {
        page(WaiterScan(on: name, after: nil, limit: limits.reportRows))
    }

    func clientsReport() -> ClientsReport { page(ClientScan(after: nil, limit: limits.reportRows)) }
    func stuckReport() -> StuckReport { page(StuckScan(after: nil, limit: limits.reportRows)) }
}

extension Hub {
    func report(on subject: Inspection.Subject) -> any Report {
        switch subject {
        case .server: serverReport
        case .channels(let prefix): look { $0.machine.channelsReport(prefix: prefix) }
        case .waiters(let channel): look { $0.machine.waitersReport(on: channel) }
        case .clients: look { $0.machine.clientsReport() }
        case .stuck: look { $0.machine.stuckReport() }
        }
    }
}
