import Histogram
import SluiceRuntime
import Synchronization

/// Merges the slices that the threads of a run record.
final class Collector: Sendable {
    /// The merged slices of all threads for the same part of the run.
    private struct MergedSlices {
        var end = 0.0
        var seconds = 0.0
        var threads = 0
        var operations = 0
        var errors = 0
        var histogram = OperationRecorder.emptyHistogram

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
    private let merged = Lock<[MergedSlices]>([])
    /// Called with each interval once all threads have added their slice of it.
    private let show: @Sendable (Interval) -> Void

    init(threads: Int, show: @escaping @Sendable (Interval) -> Void) {
        self.threads = threads
        self.show = show
    }

    /// - Parameters:
    ///   - index: which part of the run it is, from 0.
    ///   - end: when it ended, in seconds since the start of the measurement.
    func add(_ slice: OperationRecorder.Slice, index: Int, end: Double, seconds: Double) {
        let complete = merged.withLock { merged -> Interval? in
            while merged.count <= index { merged.append(MergedSlices()) }
            merged[index].threads += 1
            merged[index].end = max(merged[index].end, end)
            merged[index].seconds = max(merged[index].seconds, seconds)
            merged[index].operations += slice.operations
            merged[index].errors += slice.errors
            merged[index].histogram.add(slice.histogram)
            return merged[index].threads == threads ? merged[index].interval : nil
        }
        if let complete { show(complete) }
    }

    var timeline: [Interval] { merged.withLock { $0.map(\.interval) } }

    var operations: Int { merged.withLock { $0.reduce(0) { $0 + $1.operations } } }
    var errors: Int { merged.withLock { $0.reduce(0) { $0 + $1.errors } } }

    var latency: Latency? {
        var total = OperationRecorder.emptyHistogram
        merged.withLock { merged in
            for slices in merged { total.add(slices.histogram) }
        }
        return Latency(total)
    }
}
