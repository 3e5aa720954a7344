/// The beginning of a page: the verdict, the findings behind it, and the contents.
struct SummarySection: Sendable {
    private let report: LoadReport
    /// The sections of the page, by id.
    private let contents: [(id: String, title: String)]

    init(_ report: LoadReport, contents: [(id: String, title: String)]) {
        self.report = report
        self.contents = contents
    }

    var element: HTMLElement {
        HTMLElement("section", ["id": "summary"]) {
            HTMLElement("h2") { "Summary" }
            HTMLElement("div", ["class": "panel"]) {
                HTMLElement("p", ["class": "summary"]) { report.verdict }
                HTMLElement("ul", ["class": "findings"]) { for finding in findings { HTMLElement("li") { finding } } }
                if contents.count > 1 {
                    HTMLElement("nav", ["aria-label": "Contents"]) {
                        HTMLElement("ul", ["class": "contents"]) {
                            for section in contents {
                                HTMLElement("li") {
                                    HTMLElement("a", ["href": "#\(section.id)"]) { section.title }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private var findings: [String] {
        var findings = report.comparison == nil ? report.runs.map(\.finding) : []
        findings += report.runs.generatorWarnings.map { "\($0): the server may be able to do more" }
        if let baseline = report.baseline {
            let date = String(utcSeconds: baseline.startedAt) ?? "an earlier time"
            findings.append("Against the run of \(date): \(baseline.summary)")
        }
        return findings
    }
}

extension LoadReport {
    /// How the measurement ended, in one sentence.
    var verdict: String {
        let failed = runs.count { $0.errors > 0 }
        if failed > 0 {
            return runs.count == 1 ? "Operations failed." : "Operations failed in \(failed) of \(runs.count) runs."
        }
        if let baseline, baseline.rows.contains(where: { $0.verdict == .worse }) { return "Worse than before." }
        if let summary = comparison?.summary { return summary }
        if runs.isEmpty { return "Nothing was measured." }
        if !runs.generatorWarnings.isEmpty { return "No errors, but the generator was the limit." }
        guard let baseline, !baseline.rows.isEmpty else { return "No errors." }
        let isBetter = baseline.rows.contains { $0.verdict == .better }
        return isBetter ? "No errors, and better than before." : "No errors, and the same as before."
    }
}

extension RunResult {
    /// The main figures in one line.
    fileprivate var finding: String {
        var text = "\(title): \(Quantity.count.text(rate)) \(unit)/s"
        if let p99 = latency?.nanoseconds(at: 99) { text += ", p99 \(Quantity.duration.text(p99))" }
        return text + (errors == 0 ? ", no errors" : ", \(Quantity.count.text(errors)) errors")
    }
}
