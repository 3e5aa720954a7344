import Glibc

/// A plot of latency by percentile. The axis is logarithmic in the share above the percentile, as in HdrHistogram's
/// plots, so that each further nine of the percentage takes the same width.
struct PercentilePlot: Sendable {
    private let run: RunResult
    private let latency: Latency
    /// The percentiles, as their number of nines.
    private let points: [(nines: Double, nanoseconds: Double)]
    private let nines: Scale
    private let durations: Scale

    /// Returns nil when nothing was timed.
    init?(_ run: RunResult) {
        guard let latency = run.latency, latency.count > 0 else { return nil }
        self.run = run
        self.latency = latency
        var points = latency.percentiles.filter { $0.percent >= 0 && $0.percent < 100 && $0.nanoseconds > 0 }
            .map { (nines: Self.nines($0.percent), nanoseconds: Double($0.nanoseconds)) }
        // The slowest of a million operations is at six nines, the last percentile that the count can resolve.
        let last = max(log10(Double(latency.count)), points.last?.nines ?? 0)
        points.append((last, Double(latency.mostNanoseconds)))
        self.points = points
        let end = max(1, last)
        nines = Scale(
            spacing: .linear, least: 0, most: end,
            ticks: [0, Self.nines(50)] + stride(from: 1, through: end.rounded(.down), by: 1))
        durations = .logarithmic(around: points.map(\.nanoseconds))
    }

    private static func nines(_ percent: Double) -> Double { -log10(1 - percent / 100) }

    var element: HTMLElement {
        let plot = Plot(
            title: "\(run.title): latency by percentile",
            description: Self.shown(latency).map { "\($0.name) \(Quantity.duration.text($0.nanoseconds))" }
                .joined(separator: ", ")
                + ", at most \(Quantity.duration.text(latency.mostNanoseconds)); both axes are logarithmic.",
            heading: "latency of an operation, logarithmic",
            x: Plot.Axis(nines, labels: nines.ticks.map(label)), y: Plot.Axis(durations, .duration), height: 260)
        return HTMLElement("figure") {
            HTMLElement("figcaption") {
                HTMLElement("h3") { "By percentile" }
                HTMLElement("p", ["class": "note"]) { "\(Quantity.count.text(latency.count)) \(run.unit) timed" }
            }
            plot.element {
                curve.area("series-1")
                curve.line("series-1")
                for point in Self.shown(latency) {
                    mark(Self.nines(point.percent), point.nanoseconds, point.name)
                }
                mark(nines.most, latency.mostNanoseconds, "max")
            }
        }
    }

    private static func shown(_ latency: Latency) -> [(percent: Double, name: String, nanoseconds: Int)] {
        Latency.shown.compactMap { percent in
            latency.nanoseconds(at: percent).map { (percent, "p\(Quantity.count.text(percent))", $0) }
        }
    }

    private func label(_ nines: Double) -> Plot.Axis.Label {
        let whole = Int(nines)
        let text =
            switch whole {
            case 0: nines == 0 ? "0 %" : "50 %"
            case 1, 2: String(repeating: "9", count: whole) + (whole == 1 ? "0" : "") + " %"
            default: "99." + String(repeating: "9", count: whole - 2) + " %"
            }
        return Plot.Axis.Label(
            place: self.nines.position(of: nines), text: text, isMinor: whole.isMultiple(of: 2))
    }

    private var curve: Curve {
        Curve(points: points.map { (nines.position(of: $0.nines), durations.position(of: $0.nanoseconds)) })
    }

    /// Returns a marked point of the curve with its label above and to the left, where a rising curve never is.
    private func mark(_ nines: Double, _ nanoseconds: Int, _ name: String) -> [HTMLElement] {
        let part = self.nines.position(of: nines)
        let x = String(percentOf: part)
        let y = String(percentOf: 1 - durations.position(of: Double(nanoseconds)))
        let text = "\(name) \(Quantity.duration.text(nanoseconds))"
        // The median's label is below and to the right, since the next point is often as high.
        let isMedian = name == "p50"
        // A narrow page shows only two labels.
        let isMinor = name != "p99" && name != "max"
        return [
            HTMLElement("circle", ["class": "mark series-1", "cx": x, "cy": y, "r": "4"]) {
                HTMLElement("title") { text }
            },
            HTMLElement(
                "text",
                [
                    "class": "value \(isMedian ? "start" : "end")\(isMinor ? " minor" : "")", "x": x, "y": y,
                    "dy": isMedian ? "1.6em" : "-0.8em",
                ]
            ) { text },
        ]
    }
}
