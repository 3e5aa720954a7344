/// Plots of a run over time: its throughput above, its latency below.
struct TimePlot: Sendable {
    private let run: RunResult
    private let intervals: [Interval]
    private let time: Scale

    /// Returns nil for a run without a timeline.
    init?(_ run: RunResult) {
        intervals = run.timeline.filter { $0.end.isFinite && $0.seconds > 0 && $0.seconds.isFinite }
        guard let end = intervals.map(\.end).max(), end > 0 else { return nil }
        self.run = run
        time = .linear(until: end)
    }

    var element: HTMLElement {
        let isTimed = intervals.contains { $0.p50Nanoseconds != nil || $0.p99Nanoseconds != nil }
        return HTMLElement("figure") {
            HTMLElement("figcaption") {
                HTMLElement("h3") { "Over time" }
                HTMLElement("ul", ["class": "legend"]) {
                    Self.key("series-0", "\(run.unit)/s")
                    if isTimed {
                        Self.key("series-2", "p50")
                        Self.key("series-1 dashed", "p99")
                    }
                    if intervals.contains(where: { $0.errors > 0 }) { Self.key("failed", "with errors") }
                }
            }
            throughput(namesX: !isTimed)
            if isTimed { latency }
        }
    }

    private static func key(_ style: String, _ name: String) -> HTMLElement {
        HTMLElement("li") {
            HTMLElement("span", ["class": "key \(style)", "aria-hidden": "true"])
            name
        }
    }

    private var x: Plot.Axis {
        Plot.Axis(
            time,
            labels: time.ticks.enumerated().map { index, tick in
                Plot.Axis.Label(
                    place: time.position(of: tick),
                    text: tick < 1 && tick > 0
                        ? Quantity.duration.tick(tick * 1e9) : "\(Quantity.count.text(tick)) s",
                    isMinor: !index.isMultiple(of: 2))
            })
    }

    private func throughput(namesX: Bool) -> HTMLElement {
        let rates = intervals.map { Double($0.operations) / $0.seconds }
        let scale = Scale.linear(upTo: rates)
        let curve = Curve(points: points(zip(intervals, rates.map { scale.position(of: $0) })))
        let spread = Spread(rates)
        let plot = Plot(
            title: "\(run.title): \(run.unit) a second over time",
            description:
                "The median of \(intervals.count) intervals is \(Quantity.count.text(spread?.median)) a second, "
                + "from \(Quantity.count.text(spread?.least)) to \(Quantity.count.text(spread?.most)).",
            heading: "\(run.unit)/s", x: x, y: Plot.Axis(scale, .count), namesX: namesX)
        return plot.element {
            curve.area("series-0")
            curve.line("series-0")
            for interval in intervals where interval.errors > 0 { failure(interval) }
            readouts
        }
    }

    private var latency: HTMLElement {
        let p50 = intervals.map { $0.p50Nanoseconds.map(Double.init) }
        let p99 = intervals.map { $0.p99Nanoseconds.map(Double.init) }
        let scale = Scale.logarithmic(around: (p50 + p99).compactMap(\.self))
        let plot = Plot(
            title: "\(run.title): latency over time",
            description: "Medians and 99th percentiles of \(intervals.count) intervals, on a logarithmic axis. "
                + "The highest p99 is \(Quantity.duration.text(p99.compactMap(\.self).max())).",
            heading: "latency of an operation, logarithmic", x: x, y: Plot.Axis(scale, .duration))
        return plot.element {
            for curve in curves(p50, scale) { curve.line("series-2") }
            for curve in curves(p99, scale) { curve.line("series-1 dashed") }
            readouts
        }
    }

    /// Returns a curve for each sequence of intervals that have a value.
    private func curves(_ values: [Double?], _ scale: Scale) -> [Curve] {
        var stretches: [[(Interval, Double)]] = [[]]
        for (interval, value) in zip(intervals, values) {
            if let value {
                stretches[stretches.count - 1].append((interval, scale.position(of: value)))
            } else {
                stretches.append([])
            }
        }
        return stretches.map { Curve(points: points($0)) }
    }

    /// Returns points in the middle of each interval, at the start of the first and at the end of the last, so that one
    /// interval also gives a line.
    private func points(_ values: some Sequence<(Interval, Double)>) -> [(x: Double, y: Double)] {
        let values = Array(values)
        guard let first = values.first, let last = values.last else { return [] }
        let middles = values.map { (x: time.position(of: $0.0.end - $0.0.seconds / 2), y: $0.1) }
        return [(x: time.position(of: first.0.end - first.0.seconds), y: first.1)] + middles
            + [(x: time.position(of: last.0.end), y: last.1)]
    }

    private func failure(_ interval: Interval) -> HTMLElement {
        let (x, width) = place(interval)
        return HTMLElement("rect", ["class": "failed", "x": x, "width": width, "y": "100%", "height": "4"])
    }

    private func place(_ interval: Interval) -> (x: String, width: String) {
        let start = time.position(of: interval.end - interval.seconds)
        return (String(percentOf: start), String(percentOf: time.position(of: interval.end) - start))
    }

    /// The tooltips of intervals. A very long run has none: its intervals are too narrow to point at.
    private var readouts: [HTMLElement] {
        guard intervals.count <= 600 else { return [] }
        return intervals.map { interval in
            let (x, width) = place(interval)
            return HTMLElement("rect", ["class": "readout", "x": x, "width": width, "height": "100%"]) {
                HTMLElement("title") { readout(interval) }
            }
        }
    }

    private func readout(_ interval: Interval) -> String {
        let seconds =
            "\(Quantity.count.text(interval.end - interval.seconds)) to \(Quantity.count.text(interval.end)) s"
        let rate = "\(Quantity.count.text(Double(interval.operations) / interval.seconds)) \(run.unit)/s"
        let p50 = interval.p50Nanoseconds.map { "p50 \(Quantity.duration.text($0))" }
        let p99 = interval.p99Nanoseconds.map { "p99 \(Quantity.duration.text($0))" }
        let errors = interval.errors > 0 ? "\(Quantity.count.text(interval.errors)) errors" : nil
        return "\(seconds): " + [rate, p50, p99, errors].compactMap(\.self).joined(separator: ", ")
    }
}
