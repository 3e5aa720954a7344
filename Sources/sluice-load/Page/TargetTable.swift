/// A table of the wanted ratios and those that were reached.
struct TargetTable: Sendable {
    private let comparison: Comparison
    private let lane: ChartLane

    init(_ comparison: Comparison) {
        self.comparison = comparison
        let reached = comparison.outcomes.compactMap(\.reached)
        // At least from half to double, so that a small miss does not look large.
        lane = ChartLane(scale: .logarithmic(around: reached.flatMap { [$0.least, $0.most] } + [0.6, 1.9]), mark: 1)
    }

    var element: HTMLElement {
        HTMLElement("table", ["class": "bars targets", "role": "table"]) {
            HTMLElement("thead", ["role": "rowgroup"]) {
                HTMLElement("tr", ["role": "row"]) {
                    HTMLElement("th", ["scope": "col", "role": "columnheader"]) { "target" }
                    HTMLElement("th", ["scope": "col", "role": "columnheader"]) { "reached / wanted" }
                    HTMLElement("th", ["scope": "col", "role": "columnheader", "class": "number ratio"]) {
                        "ours / theirs"
                    }
                    HTMLElement("th", ["scope": "col", "role": "columnheader", "class": "demand"]) { "wanted" }
                    HTMLElement("th", ["scope": "col", "role": "columnheader", "class": "verdict"]) { "verdict" }
                }
            }
            HTMLElement("tbody", ["role": "rowgroup"]) {
                for row in comparison.rows {
                    for outcome in row.outcomes { line(outcome, of: row) }
                }
                HTMLElement("tr", ["class": "axis-row", "aria-hidden": "true"]) {
                    HTMLElement("td")
                    lane.axis(.ratio)
                    HTMLElement("td", ["colspan": "3"])
                }
            }
        }
    }

    private func line(_ outcome: TargetOutcome, of row: ComparisonRow) -> HTMLElement {
        let against = outcome.theirs.map { comparison.title(of: $0.contender) } ?? "no contender"
        return HTMLElement("tr", ["role": "row"]) {
            HTMLElement("th", ["scope": "row", "role": "rowheader"]) {
                row.title
                HTMLElement("small") { "against \(against)\(outcome.mannerNote)" }
            }
            lane.cell("\(row.title), against \(against): \(outcome.verdict.rawValue)") {
                if let reached = outcome.reached {
                    lane.whisker(reached)
                    lane.dot(
                        reached.median, y: 0, radius: 5, outcome.verdict.name,
                        "\(Quantity.ratio.text(reached.median)) of what was wanted")
                }
            }
            HTMLElement(
                "td",
                [
                    "class": outcome.ratio == nil ? "number absent" : "number", "role": "cell",
                    "data-name": "ours / theirs",
                ]
            ) {
                Quantity.ratio.text(outcome.ratio?.median)
                if let range = outcome.ratio?.range(.ratio) { HTMLElement("small") { range } }
            }
            HTMLElement("td", ["role": "cell", "data-name": "wanted"]) { outcome.demand }
            HTMLElement("td", ["role": "cell", "data-name": "verdict"]) {
                HTMLElement("span", ["class": "chip \(outcome.verdict.name)"]) { outcome.verdict.rawValue }
                if let finding = outcome.p99Finding { HTMLElement("small") { finding } }
            }
        }
    }
}

extension TargetOutcome {
    fileprivate var mannerNote: String {
        guard let manner = theirs?.manner, !manner.isEmpty else { return "" }
        return " (\(manner))"
    }
}

extension TargetVerdict {
    /// The CSS class.
    var name: String {
        switch self {
        case .met: "met"
        case .missed: "missed"
        case .unmeasured: "unmeasured"
        }
    }
}
