/// The page of a comparison: targets, a chart for each workload, the servers left out, and all runs.
struct ComparisonSection: Sendable {
    private let comparison: Comparison
    private let runs: [RunResult]

    init(_ comparison: Comparison, runs: [RunResult]) {
        self.comparison = comparison
        self.runs = runs
    }

    var elements: [HTMLElement] {
        let palette = Palette(comparison.contenders.map(\.key))
        return [targets] + warnings
            + [
                HTMLElement("section", ["id": "workloads"]) {
                    HTMLElement("h2") { "Workloads" }
                    for row in comparison.rows { BarChart(row, in: comparison, palette).element }
                }
            ] + missing + [everyRun].compactMap(\.self)
    }

    private var targets: HTMLElement {
        let rounds = comparison.rounds == 1 ? "in one round" : "round by round, the median of \(comparison.rounds)"
        return HTMLElement("section", ["id": "targets"]) {
            HTMLElement("h2") { "Targets" }
            HTMLElement("div", ["class": "panel"]) {
                HTMLElement("p", ["class": "summary"]) { comparison.summary ?? "No targets." }
                HTMLElement("p", ["class": "note"]) {
                    "Ratios are ours to theirs, \(rounds). The servers took turns, so that a disturbance of the machine "
                    "affected all of them."
                }
                if comparison.summary != nil { TargetTable(comparison).element }
            }
        }
    }

    private var warnings: [HTMLElement] {
        runs.generatorWarnings.map { warning in
            HTMLElement("p", ["class": "warning"]) {
                HTMLElement("strong") { "Warning: " }
                "\(warning)."
            }
        }
    }

    private var missing: [HTMLElement] {
        guard !comparison.missing.isEmpty else { return [] }
        return [
            HTMLElement("section") {
                HTMLElement("h2") { "Left out" }
                HTMLElement("div", ["class": "panel"]) {
                    HTMLElement("dl", ["class": "settings"]) {
                        for contender in comparison.missing {
                            HTMLElement("div") {
                                HTMLElement("dt") { contender.key }
                                HTMLElement("dd") { contender.reason }
                            }
                        }
                    }
                }
            }
        ]
    }

    private var everyRun: HTMLElement? {
        guard !runs.isEmpty else { return nil }
        let headings =
            ["rate", "errors"] + Latency.shown.map { "p\(Quantity.count.text($0))" } + ["server CPU/op", "generator"]
        return HTMLElement("details", ["class": "panel"]) {
            HTMLElement("summary") { "Every run (\(runs.count))" }
            HTMLElement("div", ["class": "wide", "tabindex": "0", "role": "region", "aria-label": "Every run"]) {
                HTMLElement("table", ["class": "plain"]) {
                    HTMLElement("thead") {
                        HTMLElement("tr") {
                            HTMLElement("th", ["scope": "col"]) { "run" }
                            for heading in headings {
                                HTMLElement("th", ["scope": "col", "class": "number"]) { heading }
                            }
                        }
                    }
                    HTMLElement("tbody") { for run in runs { line(run) } }
                }
            }
        }
    }

    private func line(_ run: RunResult) -> HTMLElement {
        let percentiles = Latency.shown.map { Quantity.duration.text(run.latency?.nanoseconds(at: $0)) }
        let cells =
            [Quantity.count.text(run.rate), Quantity.count.text(run.errors)] + percentiles
            + [Quantity.duration.text(run.serverNanoseconds), Quantity.share.text(run.generatorShare)]
        return HTMLElement("tr") {
            HTMLElement("th", ["scope": "row"]) {
                run.title
                HTMLElement("small") { run.settings.map { "\($0.name) \($0.value)" }.joined(separator: ", ") }
            }
            for cell in cells { HTMLElement("td", ["class": "number"]) { cell } }
        }
    }
}
