import SluiceRuntime
import SluiceWire

/// The limits for a client that has not authenticated yet. An object, because most connections have none. Used only on
/// the thread of the connection's reactor.
final class Admission {
    /// The time by which the client must authenticate, in nanoseconds of the reactor's clock.
    let deadline: UInt64
    private var remainingBytes: Int
    private var remainingCommands: Int

    init(_ limits: HubLimits, at now: UInt64) {
        deadline = now &+ limits.authenticationTimeout.wholeNanoseconds
        remainingBytes = limits.authenticationBytes
        remainingCommands = limits.authenticationCommands
    }

    /// Counts input that has run. Returns false if it exceeds the limit.
    func count(_ bytes: Int) -> Bool {
        remainingBytes -= bytes
        return remainingBytes >= 0
    }

    /// Whether this much input may wait to run.
    func allows(_ heldBytes: Int) -> Bool { heldBytes <= remainingBytes }

    /// Counts a command. Returns false if it exceeds the limit. Nil stands for a command that was refused by the
    /// parser.
    func count(_ command: Command?) -> Bool {
        switch command {
        case .authenticate, .quit: return true
        default:
            remainingCommands -= 1
            return remainingCommands >= 0
        }
    }
}

extension Command {
    /// Whether a client may use the command before it has authenticated.
    var isForStrangers: Bool {
        switch self {
        case .hello, .authenticate, .help, .quit: true
        case .name, .ping, .send, .receive, .select, .barrier, .acknowledge, .nack, .reject, .redrive, .touch, .open,
            .close, .poison,
            .join, .leave, .inspect, .trace, .kill, .cancel:
            false
        }
    }
}
