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
    /// Say who is there, with the token that proves it.
    case authenticate(Credentials)
    /// Call the connection by that name in reports.
    case name(ChannelName)
    /// Answer with the same bytes.
    case ping(Body)
    case send(SendCommand)
    case receive(ReceiveCommand)
    case select(SelectCommand)
    case barrier(BarrierCommand)
    /// A leased message was dealt with: its sender gets its OK.
    case acknowledge(DeliveryID)
    /// A leased message goes back to where it stood.
    case nack(NackCommand)
    /// A lease begins anew.
    case touch(DeliveryID)
    case open(OpenCommand)
    /// No more sends; what is there is still received.
    case close(ChannelName)
    /// Both sides end at once; with a reason, or nil.
    case poison(ChannelName, String?)
    case join(JoinCommand)
    case leave(ChannelEnd)
    case inspect(Inspection)
    case trace(TraceCommand)
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
        case .authenticate: .authenticate
        case .name: .name
        case .ping: .ping
        case .send: .send
        case .receive: .receive
        case .select: .select
        case .barrier: .barrier
        case .acknowledge: .acknowledge
        case .nack: .nack
        case .touch: .touch
        case .open: .open
        case .close: .close
        case .poison: .poison
        case .join: .join
        case .leave: .leave
        case .inspect(let inspection): inspection.subject.verb
        case .trace: .trace
        case .cancel: .cancel
        case .help: .help
        case .quit: .quit
        }
    }
}

/// Who a client says it is, and the token that proves it (`AUTH principal token`).
package struct Credentials: Sendable, Hashable {
    /// Follows the rules for names.
    package var principal: ChannelName
    /// Any bytes without a space or a line end.
    package var token: Body

    package init(_ principal: ChannelName, token: Body) {
        self.principal = principal
        self.token = token
    }
}
