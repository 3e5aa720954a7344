/// One event of a `TRACE`: a receiver took a message.
public struct HandoffReport: Report, Hashable {
    /// The time of the handoff since the start of the server.
    public var secondsSinceStart: Double
    /// The channel of the message.
    public var channel: String
    /// The length of the message.
    public var bodyBytes: Int
    /// The address of the sender, or a hyphen if the sender has disconnected.
    public var from: String
    /// The label that the sender has chosen with `NAME`.
    public var fromLabel: String?
    /// The address of the receiver, or a hyphen if the receiver has disconnected.
    public var to: String
    /// The label that the receiver has chosen with `NAME`.
    public var toLabel: String?
    /// How often the message has been handed out under a lease, this time included. Nil without a lease.
    public var attempt: Int?
    /// The number of handoffs that were left out before this one because the client did not read fast enough.
    public var droppedBefore: Int

    package init(
        secondsSinceStart: Double,
        channel: String,
        bodyBytes: Int,
        from: String,
        fromLabel: String? = nil,
        to: String,
        toLabel: String? = nil,
        attempt: Int? = nil,
        droppedBefore: Int = 0
    ) {
        self.secondsSinceStart = secondsSinceStart
        self.channel = channel
        self.bodyBytes = bodyBytes
        self.from = from
        self.fromLabel = fromLabel
        self.to = to
        self.toLabel = toLabel
        self.attempt = attempt
        self.droppedBefore = droppedBefore
    }

    /// One line. If handoffs were left out before this one, a line before it says how many.
    public var text: String {
        var text = ""
        if droppedBefore > 0 {
            text = "... \(String(readable: droppedBefore)) \(droppedBefore == 1 ? "handoff" : "handoffs") not shown\n"
        }
        text += "\(String(preciseSeconds: secondsSinceStart))  \(channel)  \(String(readableBytes: bodyBytes))"
        text += "  \(Self.caption(from, fromLabel)) -> \(Self.caption(to, toLabel))"
        if let attempt { text += "  attempt \(attempt)" }
        return text
    }

    private static func caption(_ address: String, _ label: String?) -> String {
        label.map { "\($0) (\(address))" } ?? address
    }
}
