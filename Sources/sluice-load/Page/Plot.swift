/// A frame with two axes and a grid, for curves.
///
/// Positions are percentages of the frame, and curves are stretched into it, so that the frame takes the page's width
/// while text and strokes keep their size.
struct Plot: Sendable {
    struct Axis: Sendable {
        /// The label at a position: `10 s`.
        struct Label: Sendable {
            let place: Double
            let text: String
            /// Whether a narrow page omits it.
            var isMinor = false
        }

        let scale: Scale
        let labels: [Label]

        init(_ scale: Scale, labels: [Label]) {
            self.scale = scale
            self.labels = labels
        }

        init(_ scale: Scale, _ quantity: Quantity) {
            self.init(
                scale, labels: scale.ticks.map { Label(place: scale.position(of: $0), text: quantity.tick($0)) })
        }
    }

    /// For screen readers.
    let title: String
    let description: String
    /// The quantity and unit of the vertical axis.
    let heading: String
    let x: Axis
    let y: Axis
    /// The frame's height in pixels.
    var height = 200
    /// False when a plot below shows the labels of the same axis.
    var namesX = true

    func element(@HTMLBuilder curves: () -> [HTMLElement.Child]) -> HTMLElement {
        HTMLElement("div", ["class": namesX ? "plot" : "plot above"]) {
            HTMLElement("p", ["class": "axis-title"]) { heading }
            HTMLElement("svg", ["role": "img", "width": "100%", "height": "\(height)"]) {
                HTMLElement("title") { title }
                HTMLElement("desc") { description }
                for label in y.labels { horizontal(label) }
                for label in x.labels { vertical(label) }
                curves()
            }
        }
    }

    private func horizontal(_ label: Axis.Label) -> [HTMLElement] {
        let y = String(percentOf: 1 - label.place)
        return [
            HTMLElement("line", ["class": "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y]),
            HTMLElement("text", ["class": "tick end", "x": "-8", "y": y, "dy": "0.35em"]) { label.text },
        ]
    }

    private func vertical(_ label: Axis.Label) -> [HTMLElement] {
        let x = String(percentOf: label.place)
        let line = HTMLElement("line", ["class": "grid", "x1": x, "x2": x, "y1": "0", "y2": "100%"])
        guard namesX else { return [line] }
        let style = label.isMinor ? "tick middle minor" : "tick middle"
        return [line, HTMLElement("text", ["class": style, "x": x, "y": "100%", "dy": "1.6em"]) { label.text }]
    }
}

/// A curve through points whose coordinates are fractions of the frame.
struct Curve: Sendable {
    var points: [(x: Double, y: Double)] = []

    /// - Parameter style: the CSS classes.
    func line(_ style: String) -> HTMLElement? {
        points.isEmpty ? nil : stretched(HTMLElement("path", ["class": "curve \(style)", "d": path]))
    }

    /// Returns the area between the curve and the axis.
    func area(_ style: String) -> HTMLElement? {
        guard let first = points.first, let last = points.last else { return nil }
        let down = "L\(Self.thousandths(last.x)) 1000L\(Self.thousandths(first.x)) 1000Z"
        return stretched(HTMLElement("path", ["class": "area \(style)", "d": path + down]))
    }

    private var path: String {
        points.enumerated().map { index, point in
            "\(index == 0 ? "M" : "L")\(Self.thousandths(point.x)) \(Self.thousandths(1 - point.y))"
        }
        .joined()
    }

    private static func thousandths(_ part: Double) -> String { String(coordinate: part * 1000) }

    private func stretched(_ shape: HTMLElement) -> HTMLElement {
        HTMLElement("svg", ["viewBox": "0 0 1000 1000", "preserveAspectRatio": "none", "aria-hidden": "true"]) { shape }
    }
}

extension String {
    /// Creates an SVG number, rounded to hundredths: never in scientific notation, and never NaN or infinite.
    init(coordinate value: Double) {
        let hundredths = value.isFinite ? Int((Double.minimum(value.magnitude, 1e9) * 100).rounded()) : 0
        let fraction = hundredths % 100
        self = value < 0 && hundredths > 0 ? "-" : ""
        append("\(hundredths / 100)")
        if fraction.isMultiple(of: 10) {
            if fraction > 0 { append(".\(fraction / 10)") }
        } else {
            append(fraction < 10 ? ".0\(fraction)" : ".\(fraction)")
        }
    }

    /// Creates a percentage of a width or height: `12.5%`.
    init(percentOf part: Double) { self = String(coordinate: part * 100) + "%" }
}
