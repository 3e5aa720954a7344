/// A table cell with a drawing along an axis that all rows of the table share.
struct ChartLane: Sendable {
    let scale: Scale
    /// A value that is marked in all rows.
    var mark: Double?

    /// Returns a cell with the grid and a drawing. Positions along the axis are percentages; across it, pixels from the
    /// middle.
    func cell(_ description: String, @HTMLBuilder drawing: () -> [HTMLElement.Child]) -> HTMLElement {
        HTMLElement("td", ["class": "lane", "role": "cell"]) {
            HTMLElement("svg", ["role": "img", "width": "100%", "height": "100%"]) {
                HTMLElement("title") { description }
                for tick in scale.ticks { line("grid", tick, from: "0", to: "100%") }
                if let mark { line("wanted", mark, from: "0", to: "100%") }
                HTMLElement("svg", ["y": "50%", "width": "100%", "height": "1"], children: drawing)
            }
        }
    }

    /// Returns the axis row, with the ticks' labels.
    func axis(_ quantity: Quantity) -> HTMLElement {
        HTMLElement("td", ["class": "lane axis"]) {
            HTMLElement("svg", ["width": "100%", "height": "100%"]) {
                for (index, tick) in scale.ticks.enumerated() {
                    // With more labels, those of a narrow page would touch.
                    let isMinor = scale.ticks.count > 4 && !index.isMultiple(of: 2)
                    HTMLElement(
                        "text", ["class": isMinor ? "tick middle minor" : "tick middle", "x": x(tick), "y": "14"]
                    ) {
                        quantity.tick(tick)
                    }
                }
            }
        }
    }

    func line(_ style: String, _ value: Double, from: String, to: String) -> HTMLElement {
        HTMLElement("line", ["class": style, "x1": x(value), "x2": x(value), "y1": from, "y2": to])
    }

    /// Returns a bar that starts at the axis's origin.
    func bar(_ value: Double, _ style: String) -> HTMLElement {
        HTMLElement(
            "rect",
            ["class": "bar \(style)", "x": "0", "width": x(value), "y": "-11", "height": "22", "rx": "2"])
    }

    /// Returns a line from the least value to the greatest, for more than one round.
    func whisker(_ spread: Spread) -> [HTMLElement] {
        guard spread.rounds > 1 else { return [] }
        return [
            HTMLElement(
                "line", ["class": "whisker", "x1": x(spread.least), "x2": x(spread.most), "y1": "0", "y2": "0"]),
            line("whisker", spread.least, from: "-5", to: "5"), line("whisker", spread.most, from: "-5", to: "5"),
        ]
    }

    func dot(_ value: Double, y: Double, radius: Double, _ style: String, _ description: String) -> HTMLElement {
        HTMLElement(
            "circle",
            [
                "class": "dot \(style)", "cx": x(value), "cy": String(coordinate: y), "r": String(coordinate: radius),
            ]
        ) { HTMLElement("title") { description } }
    }

    private func x(_ value: Double) -> String { String(percentOf: scale.position(of: value)) }
}
