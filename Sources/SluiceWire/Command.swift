/// The bytes of a message, of any value.
package typealias Body = [UInt8]

/// A command with the tag, if any, that its reply will carry.
package struct Request: Sendable, Hashable {
    package let tag: Tag?
    package var command: Command

    package init(tag: Tag? = nil, command: Command) {
        self.tag = tag
        self.command = command
    }
}

/// What a client asks for.
package enum Command: Sendable, Hashable {
    /// Tell version, epoch and limits.
    case hello
    /// Answer with the same bytes.
    case ping(Body)
    case send(SendCommand)
    case receive(ReceiveCommand)
    case select(SelectCommand)
    /// Withdraw the pending command of that tag.
    case cancel(Tag)
    /// Explain a verb, or list them all.
    case help(Verb?)
    /// Close, after what came before.
    case quit

    /// The verb that asks for the command.
    package var verb: Verb {
        switch self {
        case .hello: .hello
        case .ping: .ping
        case .send: .send
        case .receive: .receive
        case .select: .select
        case .cancel: .cancel
        case .help: .help
        case .quit: .quit
        }
    }
}

/// Offer a message until a receiver takes it.
package struct SendCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var body: Body
    /// How long to wait; zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(channel: ChannelName, body: Body, timeout: Duration? = nil, waitsAfterEOF: Bool = false) {
        self.channel = channel
        self.body = body
        self.timeout = timeout
        self.waitsAfterEOF = waitsAfterEOF
    }
}

/// Take a message, waiting for a sender.
package struct ReceiveCommand: Sendable, Hashable {
    package var channel: ChannelName
    /// How long to wait; zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(channel: ChannelName, timeout: Duration? = nil, waitsAfterEOF: Bool = false) {
        self.channel = channel
        self.timeout = timeout
        self.waitsAfterEOF = waitsAfterEOF
    }
}
