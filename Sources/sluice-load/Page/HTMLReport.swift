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
                    if let comparison = report.comparison {
                        ComparisonSection(comparison, runs: report.runs).elements
                    } else {
                        for run in report.runs {
                            RunSection(run, heading: report.runs.count == 1 ? "Key figures" : run.title).element
                        }
                    }
                }
            }
        }
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
