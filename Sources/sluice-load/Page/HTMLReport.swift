/// A self-contained page with tables and plots, without scripts, fonts or network access.
struct HTMLReport: Sendable {
    private let report: LoadReport

    init(_ report: LoadReport) { self.report = report }

    var text: String { "<!DOCTYPE html>\n" + page.text + "\n" }

    private var page: HTMLElement {
        HTMLElement("html", ["lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"]) {
            HTMLElement("head") {
                HTMLElement("meta", ["charset": "utf-8"])
                HTMLElement("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                HTMLElement("meta", ["name": "color-scheme", "content": "light dark"])
                HTMLElement("title") { "\(title) - sluice-load" }
                HTMLElement("style") { StyleSheet.text }
            }
            HTMLElement("body") {
                HTMLElement("main") {
                    header
                    SummarySection(report, contents: contents).element
                    if let baseline = report.baseline { BaselineSection(baseline).element }
                    if let comparison = report.comparison {
                        ComparisonSection(comparison, runs: report.runs).elements
                    } else {
                        for (index, run) in report.runs.enumerated() {
                            RunSection(run, heading: heading(of: run), id: id(ofRunAt: index)).element
                        }
                    }
                }
            }
        }
    }

    private func heading(of run: RunResult) -> String { report.runs.count == 1 ? "Key figures" : run.title }
    private func id(ofRunAt index: Int) -> String { "run-\(index + 1)" }

    /// The sections after the summary.
    private var contents: [(id: String, title: String)] {
        let baseline = report.baseline == nil ? [] : [(id: "baseline", title: "Against an earlier run")]
        guard report.comparison == nil else {
            return baseline + [(id: "targets", title: "Targets"), (id: "workloads", title: "Workloads")]
        }
        return baseline
            + report.runs.enumerated().map { (id: id(ofRunAt: $0.offset), title: heading(of: $0.element)) }
    }

    private var title: String {
        if let comparison = report.comparison {
            return "Comparison of \(comparison.contenders.count) servers"
        }
        return report.runs.count == 1 ? report.runs.first?.title ?? "" : "\(report.runs.count) runs"
    }

    private var header: HTMLElement {
        HTMLElement("header") {
            HTMLElement("p", ["class": "eyebrow"]) { "sluice-load" }
            HTMLElement("h1") { title }
            HTMLElement("dl") {
                fact("when", HTMLElement("span") { String(utcSeconds: report.startedAt) ?? Quantity.absent })
                if let comparison = report.comparison {
                    fact("servers", HTMLElement("span") { comparison.contenders.map(\.title).joined(separator: ", ") })
                }
                if let versions = report.versions, !versions.isEmpty {
                    fact("versions", HTMLElement("span") { versions.joined(separator: ", ") })
                }
                fact("machine", HTMLElement("span") { report.machine.summary })
                fact("command", HTMLElement("code") { report.command.joined(separator: " ") })
            }
        }
    }

    private func fact(_ name: String, _ value: HTMLElement) -> HTMLElement {
        HTMLElement("div") {
            HTMLElement("dt") { name }
            HTMLElement("dd") { value }
        }
    }
}
