import FoundationEssentials
import SluiceRuntime
import SluiceWire

/// A report that a conversation takes in slices.
protocol ReportJob: AnyObject {
    /// The memory that the report uses until it is complete, estimated.
    var memoryBytes: Int { get }

    /// Continues the report for about `steps` steps.
    ///
    /// - Returns: the reply, or nil if the report is not complete.
    func advance(on hub: Hub, steps: Int) -> Reply?
}

/// Takes a page of a report: finds its rows, reads them, and writes them.
final class PageJob<Scan: ReportScan>: ReportJob {
    private enum Stage {
        case gathering
        case scanning
        case writing
        case finishing
    }

    private var scan: Scan
    private var stage = Stage.gathering
    private var rows: [PageRow<Scan.Report.Row>] = []
    private var writer: PageWriter<Scan.Report>
    private var next = 0

    init(_ scan: Scan, _ format: ReportFormat) {
        self.scan = scan
        writer = PageWriter(format)
    }

    /// Encoding a row takes as long as this many visits of a scan.
    private static var stepsOfRow: Int { 64 }

    /// The rows, their text and the page take up to three times the size of a page.
    var memoryBytes: Int { scan.memoryBytes + min(1024 * rows.count, 3 * ReportPage.maxBytes) }

    func advance(on hub: Hub, steps: Int) -> Reply? {
        var left = steps
        while left > 0 {
            switch stage {
            case .gathering:
                let isGathered = hub.look { scan.view.gather($0.machine, steps: left) }
                guard isGathered else { return nil }
                stage = .scanning
            case .scanning:
                hub.look { state in
                    guard scan.advance(state.machine, steps: left) else { return }
                    rows = scan.rows(state.machine)
                    stage = .writing
                }
                left -= max(steps / 2, rows.count)
            case .writing:
                guard next < rows.count, writer.append(rows[next].row) else {
                    stage = .finishing
                    continue
                }
                next += 1
                left -= Self.stepsOfRow
            case .finishing:
                if writer.finish(omitted: omitted, pieces: 1 + left / Self.stepsOfRow) { return reply }
                return nil
            }
        }
        return nil
    }

    /// The number of rows after the last one of the page.
    private var omitted: Int { next == 0 ? 0 : max(0, scan.found - rows[next - 1].number) }

    private var reply: Reply {
        guard omitted > 0, let more = Attribute(.more, rows[next - 1].key) else { return .data(writer.body) }
        return .data(writer.body, [more])
    }
}

/// Writes a page of a report, up to the maximum size of a page.
struct PageWriter<Report: PagedReport> {
    private let format: ReportFormat
    private var count = 0
    private var text = Report.Text()
    private var bytes: [UInt8] = []
    private var written = 0
    private let encoder = JSONEncoder()

    init(_ format: ReportFormat) {
        self.format = format
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// The bytes that a page may have besides its rows.
    private static var reservedBytes: Int { 256 }

    /// Adds a row. Returns false if it does not fit. The first row always does.
    mutating func append(_ row: Report.Row) -> Bool {
        switch format {
        case .text:
            guard text.append(row, within: ReportPage.maxBytes - Self.reservedBytes) else { return false }
        case .json:
            // A row holds nothing that JSON cannot express.
            guard let encoded = try? encoder.encode(row) else { return true }
            if count > 0, bytes.count + encoded.count > ReportPage.maxBytes - Self.reservedBytes { return false }
            if count > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: encoded)
        }
        count += 1
        return true
    }

    /// Continues to assemble the page from its rows and the number of omitted rows.
    ///
    /// - Parameter pieces: the most lines to write now.
    /// - Returns: whether the page is complete.
    mutating func finish(omitted: Int, pieces: Int) -> Bool {
        switch format {
        case .json: finishJSON(omitted)
        case .text:
            if count == 0, omitted == 0 {
                bytes = Array(Report.emptyText.utf8)
                return true
            }
            let end = min(written + pieces, text.count)
            while written < end {
                bytes.append(contentsOf: text.piece(at: written).utf8)
                written += 1
            }
            guard written == text.count else { return false }
            if omitted > 0 { bytes.append(contentsOf: "... and \(String(readable: omitted)) more".utf8) }
            while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        }
        return true
    }

    /// Puts the properties of the report around the rows, in the order of their names.
    private mutating func finishJSON(_ omitted: Int) {
        let rows = "\"\(Report.rowsKey)\":["
        // A report without rows says whether it encodes this property.
        let empty = (try? encoder.encode(Report(rows: [], omitted: omitted))).map {
            String(decoding: $0, as: UTF8.self)
        }
        let frame = (empty ?? "{\(rows)]}").split(separator: rows, maxSplits: 1, omittingEmptySubsequences: false)
        bytes = Array(frame[0].utf8) + Array(rows.utf8) + bytes + Array((frame.last ?? "]}").utf8)
    }

    var body: Body { Body(bytes) }
}

/// Takes the report on the server as a whole, which has no rows to visit.
final class ServerJob: ReportJob {
    private let format: ReportFormat
    private let view: ReportView

    init(_ format: ReportFormat, _ view: ReportView) {
        self.format = format
        self.view = view
    }

    var memoryBytes: Int { 0 }

    func advance(on hub: Hub, steps: Int) -> Reply? { .data(hub.serverReport(for: view).body(format)) }
}
