import SluiceRuntime
import SluiceWire

extension Failure {
    init(_ error: SluiceError) {
        let status: ExitStatus =
            switch error.code {
            case .timedOut: .timeout
            case .closed, .poisoned: .ended
            case .inDoubt: .inDoubt
            default: .error
            }
        self.init(error.message, status)
    }

    /// A reply that is not the one that was wanted.
    init(_ reply: Reply) {
        switch reply {
        case .timeout: self.init("the time ran out", .timeout)
        case .closed(let channel, let reason): self.init(Self.text("\(channel) is closed", reason), .ended)
        case .poisoned(let channel, let reason): self.init(Self.text("\(channel) is poisoned", reason), .ended)
        case .cancelled(let reason): self.init(Self.text("withdrawn", reason))
        case .maybe(let reason): self.init(Self.text("in doubt: a receiver may have the message", reason), .inDoubt)
        case .error(let error): self.init(Self.text("refused (\(error.code))", error.message))
        case .ok, .message, .data, .otherwise, .end: self.init("the hub has given an answer that does not fit")
        }
    }

    private static func text(_ text: String, _ reason: String?) -> String {
        guard let reason = String(readableReason: reason) else { return text }
        return "\(text): \(reason)"
    }
}
