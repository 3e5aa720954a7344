/// A cell of a table in which something is drawn along an axis that all rows of the table share.
struct Lane: Sendable {
    let scale: Scale
    /// A value that all rows are held against.
    var mark: Double?

    /// The grid, and what is drawn; its middle line is at 0, in pixels, while what lies along the axis is in percent.
    func cell(_ description: String, @HTMLBuilder drawing: () -> [HTMLElement.Node]) -> HTMLElement {
        HTMLElement("td", ["class": "lane", "role": "cell"]) {
            HTMLElement("svg", ["role": "img", "width": "100%", "height": "100%"]) {
                HTMLElement("title") { description }
                for tick in scale.ticks { line("grid", tick, from: "0", to: "100%") }
                if let mark { line("wanted", mark, from: "0", to: "100%") }
                HTMLElement("svg", ["y": "50%", "width": "100%", "height": "1"], children: drawing)
            }
        }
    }

    /// Beneath all rows: what the ticks are.
    func axis(_ quantity: Quantity) -> HTMLElement {
        HTMLElement("td", ["class": "lane axis"]) {
            HTMLElement("svg", ["width": "100%", "height": "100%"]) {
                for (index, tick) in scale.ticks.enumerated() {
                    // With more, the labels of a narrow page would touch.
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

    /// From the begin of the axis.
    func bar(_ value: Double, _ style: String) -> HTMLElement {
        HTMLElement(
            "rect",
            ["class": "bar \(style)", "x": "0", "width": x(value), "y": "-11", "height": "22", "rx": "2"])
    }

    /// From the least to the most, where these are apart.
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
