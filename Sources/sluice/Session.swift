import Glibc
import SluiceRuntime

/// One run of a command: its reactor, its signals, and how it ends.
final class Session: Sendable {
    let reactor: Reactor
    let console: Console
    let interruption: Interruption

    private init(_ reactor: Reactor, _ console: Console) {
        self.reactor = reactor
        self.console = console
        interruption = Interruption(on: reactor)
    }

    /// Runs `body` as a command, and ends the process as it says.
    static func run(quiet: Bool, _ body: @escaping @Sendable (Session) async throws -> Ending) -> Never {
        let console = Console(isQuiet: quiet)
        do {
            let session = Session(try Reactor(name: "sluice"), console)
            // Signals, pipes and terminals wake it, of which the search for deadlocks does not know.
            session.reactor.hold()
            let ending = try session.reactor.run {
                try session.interruption.watch()
                return try await body(session)
            }
            session.leave(ending)
        } catch let failure as Failure {
            console.complain(failure.message)
            exit(failure.status.rawValue)
        } catch let error as SluiceError {
            let failure = Failure(error)
            console.complain(failure.message)
            exit(failure.status.rawValue)
        } catch {
            console.complain("\(error)")
            exit(ExitStatus.error.rawValue)
        }
    }

    private func leave(_ ending: Ending) -> Never {
        if let signal = interruption.signal { Self.die(of: signal) }
        switch ending {
        case .status(let status): exit(status.rawValue)
        case .code(let code): exit(code)
        case .brokenPipe: Self.die(of: SIGPIPE)
        }
    }

    /// Ends the process as the signal would have ended it, so that a shell sees why.
    static func die(of number: Int32) -> Never {
        signal(number, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(getpid(), number)
        exit(128 + number)
    }
}
