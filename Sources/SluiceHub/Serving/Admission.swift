import SluiceRuntime
import SluiceWire

/// What a client may do before it has proved who it is.
struct Admission {
    /// When it must have done so, in nanoseconds of the reactor's clock.
    let deadline: UInt64
    private var remainingBytes: Int
    private var remainingCommands: Int

    init(_ limits: HubLimits, at now: UInt64) {
        deadline = now &+ limits.authenticationTimeout.wholeNanoseconds
        remainingBytes = limits.authenticationBytes
        remainingCommands = limits.authenticationCommands
    }

    /// Counts what the client has sent; false when that is too much.
    mutating func count(_ bytes: Int) -> Bool {
        remainingBytes -= bytes
        return remainingBytes >= 0
    }

    /// Counts a command; false when that is too much. Nil is one that could not be understood.
    mutating func count(_ command: Command?) -> Bool {
        switch command {
        case .authenticate, .quit: return true
        default:
            remainingCommands -= 1
            return remainingCommands >= 0
        }
    }
}

extension Command {
    /// Whether somebody may ask for it who has not proved who it is.
    var isForStrangers: Bool {
        switch self {
        case .hello, .authenticate, .help, .quit: true
        case .name, .ping, .send, .receive, .select, .barrier, .acknowledge, .nack, .touch, .open, .close, .poison,
            .join, .leave, .inspect, .trace, .cancel:
            false
        }
    }
}
