/// The table of a page that compares its runs with those of an earlier report.
struct BaselineSection: Sendable {
    private let baseline: BaselineComparison

    init(_ baseline: BaselineComparison) { self.baseline = baseline }

    var element: HTMLElement {
        HTMLElement("section", ["id": "baseline"]) {
            HTMLElement("h2") { "Against an earlier run" }
            if !baseline.isSameMachine {
                HTMLElement("p", ["class": "warning"]) {
                    HTMLElement("strong") { "Warning: " }
                    "the earlier run was on another machine."
                }
            }
            HTMLElement("div", ["class": "panel"]) {
                HTMLElement("p", ["class": "note"]) { note }
                if !baseline.rows.isEmpty { table }
                if !baseline.unmatched.isEmpty {
                    HTMLElement("p", ["class": "note"]) {
                        "Not in the earlier report: \(baseline.unmatched.joined(separator: ", "))."
                    }
                }
            }
        }
    }

    private var note: String {
        let date = String(utcSeconds: baseline.startedAt) ?? "unknown"
        let of = baseline.versions.isEmpty ? "" : ", of \(baseline.versions.joined(separator: ", "))"
        let share = Quantity.share.text(BaselineRow.tolerance)
        return
            "The earlier run is from \(date)\(of). Ratios are now to then. Rates and processor times that differ by less than "
            + "\(share) are the same, and latencies below \(Quantity.share.text(BaselineRow.latencyTolerance))."
    }

    private var table: HTMLElement {
        HTMLElement(
            "div", ["class": "wide", "tabindex": "0", "role": "region", "aria-label": "Against an earlier run"]
        ) {
            HTMLElement("table", ["class": "plain"]) {
                HTMLElement("thead") {
                    HTMLElement("tr") {
                        HTMLElement("th", ["scope": "col"]) { "run" }
                        for heading in ["rate", "then", "ratio", "p99", "then", "ratio", "server CPU/op", "ratio"] {
                            HTMLElement("th", ["scope": "col", "class": "number"]) { heading }
                        }
                        HTMLElement("th", ["scope": "col"]) { "verdict" }
                    }
                }
                HTMLElement("tbody") { for row in baseline.rows { line(row) } }
            }
        }
    }

    private func line(_ row: BaselineRow) -> HTMLElement {
        let cells =
            [
                Quantity.count.text(row.rate.now), Quantity.count.text(row.rate.earlier),
                Quantity.ratio.text(row.rate.ratio),
                Quantity.duration.text(row.p99Nanoseconds?.now), Quantity.duration.text(row.p99Nanoseconds?.earlier),
                Quantity.ratio.text(row.p99Nanoseconds?.ratio),
                Quantity.duration.text(row.serverNanoseconds?.now), Quantity.ratio.text(row.serverNanoseconds?.ratio),
            ]
        return HTMLElement("tr") {
            HTMLElement("th", ["scope": "row"]) {
                row.title
                HTMLElement("small") { row.unit }
            }
            for cell in cells { HTMLElement("td", ["class": "number"]) { cell } }
            HTMLElement("td") { HTMLElement("span", ["class": "chip \(row.chip)"]) { row.words } }
        }
    }
}

extension BaselineRow {
    /// The CSS class.
    fileprivate var chip: String {
        switch verdict {
        case .better: "met"
        case .worse: "missed"
        case .same: "unmeasured"
        }
    }

    /// The verdict in words.
    var words: String {
        switch verdict {
        case .better: "better"
        case .worse: hasNewErrors ? "worse: errors" : "worse"
        case .same: "the same"
        }
    }
}
