import Foundation
import SluiceRuntime
import Synchronization

/// How a run goes, while it goes: one line on a terminal, which each part of the run writes anew.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let title: Lock<String>

    init(isQuiet: Bool) {
        isShown = !isQuiet && isatty(STDERR_FILENO) == 1
        title = Lock("")
    }

    func begin(_ title: String) {
        self.title.withLock { $0 = title }
        say("\(title) ...")
    }

    func show(_ interval: Interval) {
        let rate = interval.seconds > 0 ? Double(interval.operations) / interval.seconds : 0
        say(
            String(
                format: "%@  %4.0f s  %9.0f/s  p50 %@  p99 %@  errors %d", title.withLock { $0 }, interval.end, rate,
                Self.microseconds(interval.p50Nanoseconds), Self.microseconds(interval.p99Nanoseconds), interval.errors)
        )
    }

    /// Leaves the line empty, for what is printed next.
    func end() { say("") }

    private static func microseconds(_ nanoseconds: Int?) -> String {
        nanoseconds.map { String(format: "%.0f us", Double($0) / 1000) } ?? "-"
    }

    private func say(_ text: String) {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
}
