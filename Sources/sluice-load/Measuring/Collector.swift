import Histogram
import SluiceRuntime
import Synchronization

/// Where the threads of a run bring what they have recorded, one slice after the other.
final class Collector: Sendable {
    private struct Content {
        var intervals: [Merged] = []
    }

    /// The slices of all threads for the same part of the run.
    private struct Merged {
        var end = 0.0
        var seconds = 0.0
        var threads = 0
        var operations = 0
        var errors = 0
        var histogram = Recorder.emptyHistogram

        var interval: Interval {
            Interval(
                end: end, seconds: seconds, operations: operations, errors: errors,
                p50Nanoseconds: nanoseconds(at: 50), p99Nanoseconds: nanoseconds(at: 99))
        }

        private func nanoseconds(at percent: Double) -> Int? {
            histogram.totalCount == 0 ? nil : Int(histogram.valueAtPercentile(percent))
        }
    }

    private let threads: Int
    private let content = Lock(Content())
    /// Told of each part when all threads have brought theirs.
    private let show: @Sendable (Interval) -> Void

    init(threads: Int, show: @escaping @Sendable (Interval) -> Void) {
        self.threads = threads
        self.show = show
    }

    /// - Parameters:
    ///   - index: the part of the run, from 0.
    ///   - end: when it ended, in seconds since the begin of what is measured.
    func add(_ slice: Recorder.Slice, index: Int, end: Double, seconds: Double) {
        let complete = content.withLock { content -> Interval? in
            while content.intervals.count <= index { content.intervals.append(Merged()) }
            content.intervals[index].threads += 1
            content.intervals[index].end = max(content.intervals[index].end, end)
            content.intervals[index].seconds = max(content.intervals[index].seconds, seconds)
            content.intervals[index].operations += slice.operations
            content.intervals[index].errors += slice.errors
            content.intervals[index].histogram.add(slice.histogram)
            return content.intervals[index].threads == threads ? content.intervals[index].interval : nil
        }
        if let complete { show(complete) }
    }

    var timeline: [Interval] { content.withLock { $0.intervals.map(\.interval) } }

    var operations: Int { content.withLock { $0.intervals.reduce(0) { $0 + $1.operations } } }
    var errors: Int { content.withLock { $0.intervals.reduce(0) { $0 + $1.errors } } }

    var latency: Latency? {
        var total = Recorder.emptyHistogram
        content.withLock { content in
            for interval in content.intervals { total.add(interval.histogram) }
        }
        return Latency(total)
    }
}
