import Glibc
import SluiceRuntime

/// The signal that asks a command to end: ctrl-C, a hang-up, or a `kill`. On the reactor's thread only.
///
/// On the first signal, the command withdraws what it can and reports what it has done. A second one ends it at once.
final class Interruption: @unchecked Sendable {
    // Sendable: see above.

    private let reactor: Reactor
    private var watched: [Int32] = []
    /// The signal that has arrived.
    private(set) var signal: Int32?
    private var reactions: [(Int32) -> Void] = []
    /// Called after the reactions.
    private var lastActions: [() -> Void] = []
    /// When set, takes every signal instead of the reactions.
    var interceptor: ((Int32) -> Void)?

    init(on reactor: Reactor) {
        self.reactor = reactor
    }

    func watch() throws(SluiceError) {
        for number in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(number) {
            let watcher = try reactor.signals(number)
            watched.append(number)
            reactor.spawn("signal \(number)") { [self] in
                // Ends with the reactor.
                while let number = try? await watcher.next() { arrived(number) }
            }
        }
    }

    /// Whether the parent process has the signal ignored, as `nohup` does.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private func arrived(_ number: Int32) {
        if let interceptor { return interceptor(number) }
        // This is a second signal, which came before its default effect was set.
        if signal != nil { Invocation.die(of: number) }
        signal = number
        // Before the default effects are set: a second signal may be pending, and it would end this process before the
        // commands that are running have got the first one.
        for reaction in reactions { reaction(number) }
        for action in lastActions { action() }
        // The watchers stay open, because closing them would discard a signal that libev has caught since then. With the
        // default effect, a signal ends this process even if the reactor is blocked.
        for number in watched { Glibc.signal(number, SIG_DFL) }
        if reactions.isEmpty { Invocation.die(of: number) }
    }

    /// Calls `action` after the reactions to the signal. It shortens the waits of a command that is ending.
    func afterReactions(_ action: @escaping () -> Void) { lastActions.append(action) }

    /// Calls `reaction` when the signal arrives, or now if it has arrived.
    func react(_ reaction: @escaping (Int32) -> Void) {
        if let signal { return reaction(signal) }
        reactions.append(reaction)
    }
}
