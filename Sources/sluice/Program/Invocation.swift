import Glibc
import SluiceClient
import SluiceRuntime

/// One run of a command: its reactor, its signals, and how it ends.
final class Invocation: Sendable {
    let reactor: Reactor
    let console: Console
    let interruption: Interruption

    private init(_ reactor: Reactor, _ console: Console) {
        self.reactor = reactor
        self.console = console
        interruption = Interruption(on: reactor)
    }

    /// Runs `body` as a command, and ends the process as it says.
    static func run(quiet: Bool, _ body: @escaping @Sendable (Invocation) async throws -> Ending) -> Never {
        let console = Console(isQuiet: quiet)
        var interruption: Interruption?
        do {
            let invocation = Invocation(try Reactor(name: "sluice"), console)
            interruption = invocation.interruption
            // Signals, pipes and terminals wake the reactor too, which the search for deadlocks does not know.
            invocation.reactor.hold()
            let ending = try invocation.reactor.run {
                try invocation.interruption.watch()
                return try await body(invocation)
            }
            invocation.end(ending)
        } catch let failure as Failure {
            fail(failure, console, interruption)
        } catch let error as SluiceError {
            fail(Failure(error), console, interruption)
        } catch {
            fail(Failure("\(error)"), console, interruption)
        }
    }

    private static func fail(_ failure: Failure, _ console: Console, _ interruption: Interruption?) -> Never {
        console.complain(failure.message)
        if let signal = interruption?.signal { die(of: signal) }
        exit(failure.status.rawValue)
    }

    private func end(_ ending: Ending) -> Never {
        if let signal = interruption.signal { Self.die(of: signal) }
        switch ending {
        case .status(let status): exit(status.rawValue)
        case .code(let code): exit(code)
        case .brokenPipe: Self.die(of: SIGPIPE)
        }
    }

    /// Ends the process as the signal itself would have ended it, so that a shell sees why.
    static func die(of number: Int32) -> Never {
        signal(number, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(getpid(), number)
        exit(128 + number)
    }

    /// Writes the result of a command to stdout.
    ///
    /// - Returns: how the command ends.
    func finish(printing result: [UInt8]) async throws -> Ending {
        do {
            try await StandardOutput(on: reactor).write(result)
            return .status(.success)
        } catch is BrokenPipe {
            return .brokenPipe
        }
    }

    // MARK: The hub

    /// Connects to a hub.
    ///
    /// - Parameters:
    ///   - reconnecting: whether the client connects again after a loss. Pass false for commands whose exit status reports
    ///     a loss.
    ///   - reporting: whether stderr tells of lost connections.
    func connect(
        to place: HubPlace, reconnecting: Bool = false, reporting: Bool = true
    ) async throws -> Client {
        var options = ClientOptions()
        options.credentials = place.credentials
        options.label = place.label?.description
        options.tls = place.tls
        if !reconnecting { options.reconnect = nil }
        options.connectTimeout = place.patience
        options.answerTimeout = place.patience
        options.keepAlive = place.patience * 2
        let client: Client
        do throws(SluiceError) {
            client = try await Client.connect(place.address, options: options, on: reactor)
        } catch  where error.code == .authRequired {
            throw Failure("\(place.address) requires authentication: set SLUICE_PRINCIPAL and SLUICE_TOKEN", .denied)
        } catch  where error.code == .denied {
            throw Failure(Failure(error).message + ": see SLUICE_PRINCIPAL and SLUICE_TOKEN", .denied)
        } catch {
            throw Failure(Failure(error).message, .error)
        }
        if reconnecting, reporting { reportLosses(of: client, place) }
        interruption.afterReactions { [weak client] in client?.limitSilence(to: Self.silenceAfterSignal) }
        return client
    }

    /// How long a hub may be silent after a signal, when the command withdraws what is pending.
    private static let silenceAfterSignal = Duration.seconds(1)

    private func reportLosses(of client: Client, _ place: HubPlace) {
        let states = client.states
        reactor.spawn("reports of lost connections") { [console] in
            var isLost = false
            for await state in states {
                switch state {
                case .connecting(let cause?):
                    if !isLost { console.complain("\(Failure(cause).message); connecting to \(place.address) again") }
                    isLost = true
                case .connected:
                    if isLost { console.complain("connected to \(place.address) again") }
                    isLost = false
                case .connecting(nil), .ended: break
                }
            }
        }
    }

    /// Calls `reaction` each time the connection is lost.
    func watch(_ client: Client, _ reaction: @escaping @Sendable () -> Void) {
        let states = client.states
        reactor.spawn("the connection's losses") {
            for await state in states {
                switch state {
                case .connecting(_?), .ended: reaction()
                case .connecting(nil), .connected: break
                }
            }
        }
    }
}

extension Client {
    /// Why there will be no other connection; nil as long as there may be one.
    var loss: Failure? {
        if case .ended(let error) = state { Failure(error) } else { nil }
    }
}
