import Glibc
import SluiceRuntime

/// The signal that asks a command to end: ctrl-C, a hang-up, a `kill`. On the reactor's thread only.
///
/// The first one has the command withdraw what it can and say what it has done; a second one ends it at once.
final class Interruption: @unchecked Sendable {
    // Sendable: see above.

    private let reactor: Reactor
    /// The signal that came.
    private(set) var signal: Int32?
    private var reactions: [(Int32) -> Void] = []
    /// Takes every signal in place of the reactions, when there is one.
    var interceptor: ((Int32) -> Void)?

    init(on reactor: Reactor) {
        self.reactor = reactor
    }

    func watch() throws(SluiceError) {
        let signals = try reactor.signals(SIGINT, SIGTERM, SIGHUP)
        reactor.spawn("signals") { [self] in
            while signal == nil {
                let number = try await signals.next()
                if let interceptor { interceptor(number) } else { begin(number) }
            }
            signals.close()
        }
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
