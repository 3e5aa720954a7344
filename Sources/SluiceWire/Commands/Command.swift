/// The bytes of a message, each of any value.
@usableFromInline
package typealias Body = [UInt8]

/// A command and its tag, which the reply to the command carries.
package struct Request: Sendable, Hashable {
    package let tag: Tag?
    package var command: Command

    package init(tag: Tag? = nil, command: Command) {
        self.tag = tag
        self.command = command
    }

    /// The same request with an owned body, so that it stays valid after the call that received the input.
    package var owned: Request {
        var request = self
        switch command {
        case .send(var send):
            send.body = .owned(send.body.body)
            request.command = .send(send)
        case .acknowledge(var acknowledgement):
            acknowledgement.answer = acknowledgement.answer.map { .owned($0.body) }
            request.command = .acknowledge(acknowledgement)
        default: break
        }
        return request
    }
}

/// What a client asks the server to do.
package enum Command: Sendable, Hashable {
    /// Reports the version, the epoch and the limits. A client can name the additions to the protocol that it understands.
    case hello(understanding: Set<Feature>? = nil)
    /// Proves the identity of the client.
    case authenticate(Credentials)
    /// Labels the connection in reports, and says whether its pending commands are all that the client waits for.
    case name(ChannelName, waitsForAll: Bool = false)
    /// Answers with the same bytes.
    case ping(Body)
    case send(SendCommand)
    case receive(ReceiveCommand)
    case select(SelectCommand)
    case barrier(BarrierCommand)
    /// Ends a lease because the receiver has processed the message. Its sender gets `OK`, or the answer if it is a
    /// `CALL`.
    case acknowledge(AcknowledgeCommand)
    /// Ends a lease and puts the message back where it stood.
    case nack(NackCommand)
    /// Ends a lease and rejects the message: no receiver gets it again. Its sender gets `REJECTED`.
    case reject(RejectCommand)
    /// Renews a lease for its full duration.
    case touch(DeliveryID)
    case open(OpenCommand)
    /// Ends sending. Receivers still get the messages that were offered before.
    case close(ChannelName)
    /// Ends both sides at once, with an optional reason.
    case poison(ChannelName, String?)
    /// Sends rejected messages back to the channels that they come from.
    case redrive(RedriveCommand)
    case join(JoinCommand)
    case leave(ChannelEnd)
    case inspect(Inspection)
    case trace(TraceCommand)
    /// Closes connections by address or principal, the caller's own included.
    case kill(KillCommand)
    /// Withdraws the pending command with the tag.
    case cancel(Tag)
    /// Explains a verb, or lists all verbs.
    case help(Verb?)
    /// Closes the connection after the earlier commands have been answered.
    case quit

    /// The verb of the command.
    package var verb: Verb {
        switch self {
        case .hello: .hello
        case .authenticate: .authenticate
        case .name: .name
        case .ping: .ping
        case .send(let command): command.wantsAnswer ? .call : .send
        case .receive: .receive
        case .select: .select
        case .barrier: .barrier
        case .acknowledge: .acknowledge
        case .nack: .nack
        case .reject: .reject
        case .touch: .touch
        case .open: .open
        case .close: .close
        case .poison: .poison
        case .redrive: .redrive
        case .join: .join
        case .leave: .leave
        case .inspect(let inspection): inspection.subject.verb
        case .trace: .trace
        case .kill: .kill
        case .cancel: .cancel
        case .help: .help
        case .quit: .quit
        }
    }
}

/// A principal and the token that proves its identity (`AUTH principal token`).
package struct Credentials: Sendable, Hashable {
    /// The name of the principal, by the rules for channel names.
    package var principal: ChannelName
    /// Any bytes except spaces and line ends.
    package var token: Body

    package init(_ principal: ChannelName, token: Body) {
        self.principal = principal
        self.token = token
    }
}
