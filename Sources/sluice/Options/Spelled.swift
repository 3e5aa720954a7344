import ArgumentParser
import SluiceWire

/// Parses values of the command line.
enum Spelled {
    @Sendable static func name(_ text: String) throws -> ChannelName {
        guard let name = ChannelName(text) else { throw ValidationError(ChannelName.rule) }
        return name
    }

    /// `0`, or a whole number and `ms`, `s`, `m` or `h`, as in the protocol.
    @Sendable static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(protocolText: text) else {
            throw ValidationError("a duration is 0, or a whole number and ms, s, m or h")
        }
        return duration
    }

    @Sendable static func positiveDuration(_ text: String) throws -> Duration {
        let value = try duration(text)
        guard value > .zero else { throw ValidationError("the duration must be longer than 0") }
        return value
    }

    @Sendable static func positive(_ text: String) throws -> Int {
        guard let number = Int(text), number > 0 else { throw ValidationError("pass a whole number, at least 1") }
        return number
    }

    /// The empty text is no trace, so that a script can pass on a variable that may be empty.
    @Sendable static func trace(_ text: String) throws -> String {
        guard text.isEmpty || TraceContext(text) != nil else { throw ValidationError(TraceContext.rule) }
        return text
    }

    @Sendable static func identity(_ text: String) throws -> MessageID {
        guard let id = MessageID(text) else {
            throw ValidationError("an id is 1 to 64 bytes of A-Z a-z 0-9 . _ : / -")
        }
        return id
    }
}
