/// A table of one workload for all contenders, with a bar for each median and a dot for each round.
struct BarChart: Sendable {
    private let row: ComparisonRow
    private let comparison: Comparison
    private let palette: Palette
    private let lane: ChartLane

    init(_ row: ComparisonRow, in comparison: Comparison, _ palette: Palette) {
        self.row = row
        self.comparison = comparison
        self.palette = palette
        lane = ChartLane(scale: .linear(upTo: row.entries.flatMap(\.values)))
    }

    var element: HTMLElement {
        HTMLElement("section", ["class": "panel"]) {
            HTMLElement("h3") { row.title }
            HTMLElement("p", ["class": "note"]) { "\(row.unit), \(row.direction)" }
            HTMLElement("table", ["class": "bars", "role": "table"]) {
                HTMLElement("thead", ["role": "rowgroup"]) {
                    HTMLElement("tr", ["role": "row"]) {
                        for (name, style) in headings {
                            HTMLElement("th", ["scope": "col", "role": "columnheader", "class": style]) { name }
                        }
                    }
                }
                HTMLElement("tbody", ["role": "rowgroup"]) {
                    for (index, entry) in row.entries.enumerated() { line(entry, isOurs: index == 0) }
                    HTMLElement("tr", ["class": "axis-row", "aria-hidden": "true"]) {
                        HTMLElement("td")
                        lane.axis(.count)
                        HTMLElement("td", ["colspan": "\(headings.count - 2)"])
                    }
                }
            }
        }
    }

    private var isTimed: Bool { row.entries.contains { $0.p99 != nil } }
    private var isServerKnown: Bool { row.entries.contains { $0.server != nil } }

    private var headings: [(name: String, style: String)] {
        let timed = isTimed ? [("p99", "number timed")] : []
        let server = isServerKnown ? [("server CPU/op", "number timed")] : []
        return [("contender", ""), ("median, and each round", ""), ("median", "number amount")] + timed + server
            + [("ours / theirs", "number ratio")]
    }

    private func line(_ entry: ComparisonEntry, isOurs: Bool) -> HTMLElement {
        let title = comparison.title(of: entry.contender)
        return HTMLElement("tr", ["role": "row", "class": isOurs ? "ours" : "theirs"]) {
            HTMLElement("th", ["scope": "row", "role": "rowheader"]) {
                HTMLElement("span", ["class": "key box \(palette.style(of: entry.contender))", "aria-hidden": "true"])
                title
                if !entry.manner.isEmpty { HTMLElement("small") { entry.manner } }
            }
            picture(entry, title)
            number("median", entry.value, .count)
            if isTimed { number("p99", entry.p99, .duration) }
            if isServerKnown { number("server CPU/op", entry.server, .duration) }
            if isOurs {
                HTMLElement("td", ["class": "absent", "role": "cell"])
            } else {
                number("ours / theirs", row.entries.first?.ratio(to: entry), .ratio)
            }
        }
    }

    private func number(_ name: String, _ spread: Spread?, _ quantity: Quantity) -> HTMLElement {
        HTMLElement(
            "td", ["class": spread == nil ? "number absent" : "number", "role": "cell", "data-name": name]
        ) {
            quantity.text(spread?.median)
            if let range = spread?.range(quantity) { HTMLElement("small") { range } }
        }
    }

    private func picture(_ entry: ComparisonEntry, _ title: String) -> HTMLElement {
        let style = palette.style(of: entry.contender)
        let median = "\(title): median \(Quantity.count.text(entry.value?.median)) \(row.unit)"
        let range = entry.value?.range(.count).map { ", \($0) in \(entry.values.count) rounds" }
        return lane.cell(median + (range ?? "")) {
            if let value = entry.value {
                lane.bar(value.median, style)
                lane.line("median \(style)", value.median, from: "-11", to: "11")
                lane.whisker(value)
                for (round, value) in entry.values.enumerated() where value.isFinite {
                    lane.dot(
                        value, y: offset(of: round, among: entry.values.count), radius: 3, style,
                        "round \(round + 1): \(Quantity.count.text(value)) \(row.unit)")
                }
            }
        }
    }

    /// Returns the vertical position of a round's dot, from the first at the top to the last at the bottom, so that
    /// equal values do not overlap.
    private func offset(of round: Int, among rounds: Int) -> Double {
        rounds > 1 ? Double(round) / Double(rounds - 1) * 14 - 7 : 0
    }
}
