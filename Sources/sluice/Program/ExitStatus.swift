import SluiceClient
import SluiceRuntime
import SluiceWire

/// The exit status of the process, which tells a script what happened to its message.
enum ExitStatus: Int32, Sendable {
    /// It happened: the message was taken, or there is an answer.
    case success = 0
    /// It was refused, or failed.
    case error = 1
    /// The command line is wrong.
    case usage = 2
    /// The time ran out, and it did not happen.
    case timeout = 3
    /// The channel is closed or poisoned.
    case ended = 4
    /// It may have happened.
    case inDoubt = 5
    /// A receiver has rejected the message for good.
    case rejected = 6
    /// The hub does not permit it to this client.
    case denied = 7
}

/// Why a command has failed: one line for a person, and a status for a script.
struct Failure: Error, Sendable, Hashable {
    /// A single line, without the program's name.
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .error) {
        self.message = message
        self.status = status
    }
}

/// How a command has ended.
enum Ending: Sendable, Hashable {
    case status(ExitStatus)
    /// With the status of another program.
    case code(Int32)
    /// Standard output has no reader any more.
    case brokenPipe
}

extension Failure {
    init(_ error: SluiceError) {
        let status: ExitStatus =
            switch error.code {
            case .timedOut: .timeout
            case .closed, .poisoned: .ended
            case .inDoubt: .inDoubt
            case .rejected: .rejected
            case .denied: .denied
            default: .error
            }
        let isRefusal = WireError.Code.all.contains { $0.description == error.code.description }
        self.init(isRefusal ? Self.text("refused (\(error.code))", error.message) : error.message, status)
    }

    /// Describes a reply that is not the expected one.
    ///
    /// - Parameter channel: the channel of a send or a call.
    init(_ reply: Reply, sendingOn channel: ChannelName? = nil) {
        switch reply {
        case .timeout: self.init("the time ran out", .timeout)
        case .timeoutWithoutReceivers:
            self.init("the time ran out: nobody receives from \(channel.map { "'\($0)'" } ?? "the channel")", .timeout)
        case .closed(let channel, let reason, _): self.init(Self.text("\(channel) is closed", reason), .ended)
        case .poisoned(let channel, let reason, _): self.init(Self.text("\(channel) is poisoned", reason), .ended)
        case .rejected(let channel, let reason, _): self.init(Self.text("rejected on \(channel)", reason), .rejected)
        case .cancelled(let reason): self.init(Self.text("withdrawn", reason))
        case .maybe(let reason): self.init(Self.text("in doubt: a receiver may have the message", reason), .inDoubt)
        case .error(let error):
            self.init(
                Self.text("refused (\(error.code))", error.message), error.code == .denied ? .denied : .error)
        case .ok, .message, .data, .otherwise, .end: self.init("the hub has given an unexpected answer")
        }
    }

    init(_ outcome: OperationOutcome, sendingOn channel: ChannelName? = nil) {
        switch outcome {
        case .reply(let reply, _): self.init(reply, sendingOn: channel)
        case .failed(let error): self.init(error)
        }
    }

    private static func text(_ text: String, _ reason: String?) -> String {
        guard let reason = String(readableReason: reason) else { return text }
        return "\(text): \(reason)"
    }
}

extension OperationOutcome {
    /// Whether the hub was lost, restarted, or about to stop before the operation was done.
    var isLossOfHub: Bool {
        switch self {
        case .failed(let error): error.code == .inDoubt || error.code == .disconnected
        case .reply(.cancelled("draining"), _), .reply(.maybe("draining"), _), .reply(.maybe("epoch"), _): true
        case .reply(.error(let error), _): error.code == .draining
        case .reply: false
        }
    }
}
