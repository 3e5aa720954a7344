import Glibc
import SluiceRuntime

/// The signal that asks a command to end: ctrl-C, a hang-up, a `kill`. On the reactor's thread only.
///
/// The first one has the command withdraw what it can and say what it has done; a second one ends it at once.
final class Interruption: @unchecked Sendable {
    // Sendable: see above.

    private let reactor: Reactor
    private var watchers: [SignalWatcher] = []
    /// The signal that came.
    private(set) var signal: Int32?
    private var reactions: [(Int32) -> Void] = []
    /// Takes every signal in place of the reactions, when there is one.
    var interceptor: ((Int32) -> Void)?

    init(on reactor: Reactor) {
        self.reactor = reactor
    }

    func watch() throws(SluiceError) {
        for number in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(number) {
            let watcher = try reactor.signals(number)
            watchers.append(watcher)
            reactor.spawn("signal \(number)") { [self] in
                while true { arrived(try await watcher.next()) }
            }
        }
    }

    /// Whether who has started us wants the signal to do nothing, as `nohup` does.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private func arrived(_ number: Int32) {
        if let interceptor { return interceptor(number) }
        // The next one has its usual effect.
        for watcher in watchers { watcher.close() }
        begin(number)
    }

    private func begin(_ number: Int32) {
        guard !reactions.isEmpty else { Session.die(of: number) }
        signal = number
        for reaction in reactions { reaction(number) }
    }

    /// Calls `reaction` when the signal comes, or now if it came.
    func react(_ reaction: @escaping (Int32) -> Void) {
        if let signal { return reaction(signal) }
        reactions.append(reaction)
    }
}
