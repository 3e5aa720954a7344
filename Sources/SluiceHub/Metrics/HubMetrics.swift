#if Metrics
    public import CoreMetrics
    public import SluiceRuntime
    import SluiceWire
    import Synchronization

    /// Reports the figures of a hub to swift-metrics: the same figures, under the same names, that `sluiced` shows at
    /// `/metrics`.
    ///
    /// ```swift
    /// let metrics = HubMetrics(of: hub)
    /// try metrics.update(every: .seconds(10))
    /// ```
    ///
    /// The package trait `Metrics` of Sluice enables this type. A metric is created when it is first reported, and
    /// destroyed with this object.
    public final class HubMetrics: Sendable {
        /// The metrics that have been reported so far, by their names and the values of their labels.
        private struct Reported {
            var gauges: [String: Gauge] = [:]
            var totals: [String: Total] = [:]
            var waitSeconds: FloatingPointCounter?
            var waitNanoseconds: UInt64 = 0
        }

        /// A number that only grows, and how much of it was reported.
        private struct Total {
            let counter: Counter
            var reported = 0
        }

        private unowned let hub: Hub
        private let factory: any MetricsFactory
        private let dimensions: [(String, String)]
        private let reported = Lock(Reported())
        private let ticker = Lock<Ticker?>(nil)

        /// - Parameters:
        ///   - hub: the hub, which must outlive this object.
        ///   - factory: makes the metrics. By default, that of `MetricsSystem.bootstrap`.
        ///   - dimensions: the dimensions of all metrics, such as the name of the hub.
        public init(
            of hub: Hub, factory: any MetricsFactory = MetricsSystem.factory, dimensions: [(String, String)] = []
        ) {
            self.hub = hub
            self.factory = factory
            self.dimensions = dimensions
        }

        deinit {
            stop()
            reported.withLock { reported in
                for gauge in reported.gauges.values { gauge.destroy() }
                for total in reported.totals.values { total.counter.destroy() }
                reported.waitSeconds?.destroy()
            }
        }

        /// Reports the figures now. May be called from any thread.
        public func update() {
            let (report, waits) = (hub.serverReport, hub.waits)
            reported.withLock { reported in
                for metric in ServerMetric.all {
                    guard let value = metric.value(report) else { continue }
                    switch metric.kind {
                    case .gauge: gauge(metric.name, in: &reported).record(value)
                    case .counter: add(value, to: metric.name, in: &reported)
                    }
                }
                for (reason, count) in report.endings {
                    add(count, to: "connections_ended_total", ("reason", reason), in: &reported)
                }
                update(waits, in: &reported)
            }
        }

        /// Reports the figures again and again, until ``stop()`` is called or this object is released.
        ///
        /// Meanwhile, the reactor on whose clock the hub runs detects no deadlock of its tasks, as with every ticker.
        ///
        /// - Throws: `.misuse` if the interval is not longer than zero.
        public func update(every interval: Duration) throws(SluiceError) {
            let new = try hub.timekeeper.tick(every: interval) { [weak self] _ in self?.update() }
            ticker.withLock { ticker in
                ticker?.stop()
                ticker = new
            }
        }

        /// Ends the reports of ``update(every:)``.
        public func stop() {
            ticker.withLock { ticker in
                ticker?.stop()
                ticker = nil
            }
        }

        /// Reports a histogram as the counters of its buckets. Like those of Prometheus, each bucket includes the ones
        /// before it.
        private func update(_ waits: TimeHistogram, in reported: inout Reported) {
            var count: UInt64 = 0
            for bucket in 0..<TimeHistogram.bucketCount {
                count &+= waits.counts[bucket]
                let bound = TimeHistogram.boundSeconds(of: bucket).map { "\($0)" } ?? "+Inf"
                add(Int(clamping: count), to: "wait_seconds_bucket", ("le", bound), in: &reported)
            }
            add(Int(clamping: count), to: "wait_seconds_count", in: &reported)
            let seconds =
                reported.waitSeconds
                ?? FloatingPointCounter(label: "sluice_wait_seconds_sum", dimensions: dimensions, factory: factory)
            reported.waitSeconds = seconds
            seconds.increment(by: Double(waits.total &- reported.waitNanoseconds) / 1e9)
            reported.waitNanoseconds = waits.total
        }

        private func gauge(_ name: String, in reported: inout Reported) -> Gauge {
            if let known = reported.gauges[name] { return known }
            let made = Gauge(label: "sluice_\(name)", dimensions: dimensions, factory: factory)
            reported.gauges[name] = made
            return made
        }

        /// Reports by how much a number has grown.
        private func add(
            _ total: Int, to name: String, _ label: (String, String)? = nil, in reported: inout Reported
        ) {
            let key = label.map { "\(name) \($0.1)" } ?? name
            var known =
                reported.totals[key]
                ?? Total(
                    counter: Counter(
                        label: "sluice_\(name)", dimensions: dimensions + [label].compactMap(\.self), factory: factory))
            if total > known.reported { known.counter.increment(by: total - known.reported) }
            known.reported = max(total, known.reported)
            reported.totals[key] = known
        }
    }
#endif
