import ArgumentParser
import SluiceWire

/// Values as they are spelled on the command line.
enum Spelled {
    static let nameRules =
        "a name is 1 to 200 bytes of A-Z a-z 0-9 . _ : / - and does not begin with -"

    @Sendable static func name(_ text: String) throws -> ChannelName {
        guard let name = ChannelName(text) else { throw ValidationError(nameRules) }
        return name
    }

    /// `0`, or a whole number and `ms`, `s`, `m` or `h`, as in the protocol.
    @Sendable static func duration(_ text: String) throws -> Duration {
        if text == "0" { return .zero }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let milliseconds: [Substring: Int] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let number = Int(digits), let unit = milliseconds[text.dropFirst(digits.count)],
            case let (total, overflowed) = number.multipliedReportingOverflow(by: unit), !overflowed,
            .milliseconds(total) <= Limits.maxDuration
        else { throw ValidationError("a duration is 0, or a whole number and ms, s, m or h") }
        return .milliseconds(total)
    }

    @Sendable static func lease(_ text: String) throws -> Duration {
        let lease = try duration(text)
        guard lease > .zero else { throw ValidationError("a lease is longer than 0") }
        return lease
    }

    @Sendable static func positive(_ text: String) throws -> Int {
        guard let number = Int(text), number > 0 else { throw ValidationError("a whole number, at least 1") }
        return number
    }

    @Sendable static func identity(_ text: String) throws -> MessageID {
        guard let id = MessageID(text) else {
            throw ValidationError("an id is 1 to 64 bytes of A-Z a-z 0-9 . _ : / -")
        }
        return id
    }
}
