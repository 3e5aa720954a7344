import SluiceRuntime
import SluiceWire
import Synchronization

/// The state of a process for reports, which any thread may read.
final class ProcessStatus: Sendable {
    let name: String
    let channels: [ChannelName]
    private let current: Lock<ProcessReport>

    init(of process: BuiltInProcess) {
        name = process.name
        channels = process.channels
        current = Lock(ProcessReport(name: process.name, kind: process.work.kind.rawValue, state: .running))
    }

    var report: ProcessReport { current.withLock { $0 } }

    func update(_ change: (inout ProcessReport) -> Void) {
        current.withLock { change(&$0) }
    }
}

/// The processes of a hub, including stopped ones. Names are unique.
final class ProcessList: Sendable {
    private let processes = Lock<[ProcessStatus]>([])

    var reports: [ProcessReport] { reports(for: .complete) }

    /// Returns the reports of the processes of which a report may name all channels.
    func reports(for view: ReportView) -> [ProcessReport] {
        processes.withLock { $0 }.filter { $0.channels.allSatisfy { view.shows($0) } }.map(\.report)
    }

    /// Adds a process, in place of a stopped one with the same name.
    ///
    /// - Returns: false if a process with the same name is running.
    func add(_ process: ProcessStatus) -> Bool {
        processes.withLock { known in
            known.removeAll { $0.name == process.name && $0.report.state == .stopped }
            guard !known.contains(where: { $0.name == process.name }) else { return false }
            known.append(process)
            return true
        }
    }
}
