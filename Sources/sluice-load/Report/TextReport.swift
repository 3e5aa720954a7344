import SluiceWire

/// A report as text, for a terminal.
struct TextReport: Sendable {
    private let report: LoadReport
    /// In columns. A word or number is never broken, and may be wider.
    private let width: Int
    private let isColoured: Bool

    init(_ report: LoadReport, width: Int = 100, isColoured: Bool = false) {
        self.report = report
        self.width = max(40, width)
        self.isColoured = isColoured
    }

    /// Lines, each of which ends in LF.
    var text: String {
        var blocks = [heading]
        if let comparison = report.comparison {
            blocks += comparison.rows.map { lines(of: $0, in: comparison) }
            blocks += [missing(of: comparison), targets(of: comparison), warnings]
        } else {
            blocks += report.runs.map(lines)
        }
        blocks.append(baseline)
        return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private var heading: [String] {
        let facts = [String(utcSeconds: report.startedAt), report.machine.summary]
        return paragraph(report.command.joined(separator: " "), .strong)
            + paragraph(facts.compactMap(\.self).joined(separator: ", "), .faint)
    }

    private func paragraph(_ text: String, indent: Int = 0, _ style: TextStyle) -> [String] {
        text.printable.wrapped(to: width - indent).map {
            String(repeating: " ", count: indent) + styled($0, style)
        }
    }

    private func styled(_ text: String, _ style: TextStyle) -> String { isColoured ? style.apply(to: text) : text }
}

// One run.
extension TextReport {
    private func lines(of run: RunResult) -> [String] {
        let settings = run.settings.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        return paragraph(run.title, .strong) + paragraph(settings, .faint) + [""] + figures(of: run)
            + latency(of: run) + paragraph(run.generatorWarning.map { "warning: " + $0 } ?? "", .bad)
    }

    private func figures(of run: RunResult) -> [String] {
        var table = TextTable([.left, .right, .left])
        func append(_ name: String, _ value: String, _ unit: String = "", _ style: TextStyle = .plain) {
            table.append([.init(name), .init(value, style), .init(unit)])
        }
        append("rate", Quantity.count.text(run.rate), "\(run.unit)/s", .strong)
        append("operations", Quantity.count.text(run.operations), "in \(Quantity.count.text(run.seconds)) s")
        append("errors", Quantity.count.text(run.errors), "", run.errors > 0 ? .bad : .plain)
        if let server = run.serverNanoseconds {
            append("server CPU", Quantity.duration.text(server), "an operation")
        }
        if let share = run.generatorShare { append("generator", Quantity.share.text(share), "busy") }
        for extra in run.extras { append(extra.name, Quantity.count.text(extra.value), extra.unit) }
        return table.lines(width: width, isColoured: isColoured)
    }

    private func latency(of run: RunResult) -> [String] {
        guard let latency = run.latency else { return [] }
        var columns: [(name: String, value: String)] = [("mean", Quantity.duration.text(latency.meanNanoseconds))]
        columns += Latency.shown.map { percent in
            ("p\(Quantity.count.text(percent))", Quantity.duration.text(latency.nanoseconds(at: percent)))
        }
        columns.append(("max", Quantity.duration.text(latency.mostNanoseconds)))
        var table = TextTable([.left] + columns.map { _ in .right })
        table.append([.init("")] + columns.map { .init($0.name, .faint) })
        table.append([.init("latency")] + columns.map { .init($0.value) })
        return [""] + table.lines(width: width, isColoured: isColoured)
    }
}

// An earlier report.
extension TextReport {
    private var baseline: [String] {
        guard let baseline = report.baseline else { return [] }
        let date = String(utcSeconds: baseline.startedAt) ?? "an earlier time"
        var table = TextTable([.left, .right, .right, .right, .left])
        table.append(["", "rate", "p99", "server/op", ""].map { .init($0, .faint) })
        for row in baseline.rows {
            table.append([
                .init("  " + row.title), .init(Quantity.ratio.text(row.rate.ratio)),
                .init(Quantity.ratio.text(row.p99Nanoseconds?.ratio)),
                .init(Quantity.ratio.text(row.serverNanoseconds?.ratio)),
                .init(row.words, row.verdict == .worse ? .bad : .plain),
            ])
        }
        return paragraph("against the run of \(date): \(baseline.summary)", .strong)
            + (baseline.rows.isEmpty ? [] : table.lines(width: width, isColoured: isColoured))
            + (baseline.isSameMachine
                ? [] : paragraph("warning: the earlier run was on another machine", indent: 2, .bad))
            + baseline.unmatched.flatMap { paragraph("not in the earlier report: \($0)", indent: 2, .faint) }
    }
}

// A comparison.
extension TextReport {
    private func lines(of row: ComparisonRow, in comparison: Comparison) -> [String] {
        let ours = row.entries.first
        var table = TextTable([.left, .right, .right, .right, .right, .right, .right])
        let p99 = row.entries.contains { $0.p99 != nil } ? "p99" : ""
        let server = row.entries.contains { $0.server != nil } ? "server/op" : ""
        let headings = ["", "median", "min .. max", p99, server, "ratio", "min .. max"]
        table.append(headings.map { .init($0, .faint) })
        for (index, entry) in row.entries.enumerated() {
            let ratio = index == 0 ? nil : ours?.ratio(to: entry)
            let style: TextStyle = index == 0 ? .strong : .plain
            table.append([
                .init("  " + comparison.title(of: entry.contender), style),
                .init(Quantity.count.text(entry.value?.median), style),
                .init(entry.value?.range(.count, separator: " .. ") ?? ""),
                .init(entry.p99.map { Quantity.duration.text($0.median) } ?? ""),
                .init(entry.server.map { Quantity.duration.text($0.median) } ?? ""),
                .init(ratio.map { Quantity.ratio.text($0.median) } ?? ""),
                .init(ratio?.range(.ratio, separator: " .. ") ?? ""),
            ])
            for line in entry.manner.wrapped(to: width - 4) { table.append(note: .init("    " + line, .faint)) }
        }
        return paragraph("\(row.title): \(row.unit), \(row.direction)", .strong)
            + table.lines(width: width, isColoured: isColoured)
    }

    private func missing(of comparison: Comparison) -> [String] {
        comparison.missing.isEmpty
            ? []
            : [styled("left out", .strong)]
                + comparison.missing.flatMap { paragraph("\($0.key): \($0.reason)", indent: 2, .plain) }
    }

    private func targets(of comparison: Comparison) -> [String] {
        guard let summary = comparison.summary else { return [] }
        var table = TextTable([.left, .left, .right, .right, .left, .left])
        table.append(["target", "", "ratio", "min .. max", "wanted", ""].map { .init($0, .faint) })
        for row in comparison.rows where !row.wanted.isEmpty {
            table.append(note: .init(row.title))
            for outcome in row.outcomes {
                table.append([
                    .init("  " + (outcome.theirs.map { comparison.title(of: $0.contender) } ?? Quantity.absent)),
                    .init(outcome.verdict.rawValue, outcome.verdict.style),
                    .init(Quantity.ratio.text(outcome.ratio?.median)),
                    .init(outcome.ratio?.range(.ratio, separator: " .. ") ?? ""),
                    .init(outcome.demand), .init(outcome.p99Finding ?? ""),
                ])
                // Otherwise the contender's name is enough.
                if let theirs = outcome.theirs, row.entries.count(where: { $0.contender == theirs.contender }) > 1 {
                    for line in theirs.manner.wrapped(to: width - 4) {
                        table.append(note: .init("    " + line, .faint))
                    }
                }
            }
        }
        let rounds = comparison.rounds == 1 ? "in one round" : "the median of \(comparison.rounds) rounds"
        return table.lines(width: width, isColoured: isColoured) + [""]
            + paragraph("\(summary). Ratios are ours to theirs, \(rounds).", .plain)
    }

    private var warnings: [String] { report.runs.generatorWarnings.flatMap { paragraph("warning: " + $0, .bad) } }
}

extension TextTable.Cell {
    /// A cell whose text cannot steer the terminal.
    init(_ text: String?, _ style: TextStyle = .plain) {
        self.init(text: text?.printable, style: style)
    }
}

extension TargetVerdict {
    var style: TextStyle {
        switch self {
        case .met: .good
        case .missed: .bad
        case .unmeasured: .strong
        }
    }
}

extension String {
    /// The text with control characters replaced, since names come from servers and from the command line.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory.isControl ? "?" : $0 }))
    }

    /// Breaks the text at spaces into lines of at most `width` characters. A longer word has a line of its own.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        for word in split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isControl: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
