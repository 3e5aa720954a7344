import SluiceRuntime
import SluiceWire

/// Shows the progress of long work on a line of standard error, if that is a terminal. On the reactor's thread only.
final class Progress: @unchecked Sendable {
    // Sendable: see above.

    private static let interval = Duration.milliseconds(250)
    /// How many intervals pass before the line is shown.
    private static let patience = 3

    private let console: Console
    private let verb: String
    private var ticker: Ticker?
    private var lastCount = 0
    private var rate = 0.0
    private var ticks = 0
    private var count = 0
    private var elapsed = Duration.zero

    /// - Parameters:
    ///   - verb: what has been done to the messages: "sent".
    ///   - isShown: false when standard output uses the same terminal.
    init(_ verb: String, in invocation: Invocation, isShown: Bool = true) throws(SluiceError) {
        console = invocation.console
        self.verb = verb
        guard isShown, console.isTerminal, !console.isQuiet else { return }
        ticker = try invocation.reactor.tick(every: Self.interval) { [weak self] in self?.tick($0) }
    }

    func add(_ count: Int) { self.count += count }

    private func tick(_ elapsed: Duration) {
        self.elapsed = elapsed
        ticks += 1
        let fresh = Double(count - lastCount) / 0.25
        rate = ticks == 1 ? fresh : 0.6 * rate + 0.4 * fresh
        lastCount = count
        if ticks >= Self.patience { console.write("\r\(line)\u{1B}[K") }
    }

    var line: String {
        "\(String(readable: count)) \(verb), \(String(readable: Int(rate))) a second, \(time)"
    }

    private var time: String {
        String(readableSeconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
    }

    /// Removes the line.
    func end() {
        ticker?.stop()
        ticker = nil
        if ticks >= Self.patience { console.write("\r\u{1B}[K") }
        ticks = 0
    }
}
