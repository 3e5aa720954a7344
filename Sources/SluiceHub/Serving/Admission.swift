import SluiceRuntime
import SluiceWire

/// What a client may do before it has proved who it is.
struct Admission {
    /// When it must have done so, in nanoseconds of the reactor's clock.
    let deadline: UInt64
    private var remainingBytes: Int

    init(_ limits: HubLimits, at now: UInt64) {
        deadline = now &+ limits.authenticationTimeout.wholeNanoseconds
        remainingBytes = limits.authenticationBytes
    }

    /// Counts what the client has sent; false when that is too much.
    mutating func count(_ bytes: Int) -> Bool {
        remainingBytes -= bytes
        return remainingBytes >= 0
    }
}

extension Command {
    /// Whether somebody may ask for it who has not proved who it is.
    var isForStrangers: Bool {
        switch self {
        case .hello, .authenticate, .help, .quit: true
        case .name, .ping, .send, .receive, .select, .barrier, .acknowledge, .refuse, .touch, .open, .close, .poison,
            .join, .leave, .inspect, .trace, .cancel:
            false
        }
    }
}
