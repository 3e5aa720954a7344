/// One event of a `TRACE`: a receiver took a message.
public struct HandoffReport: Report, Hashable {
    /// The time of the handoff since the start of the server.
    public var secondsSinceStart: Double
    /// The channel of the message.
    public var channel: String
    /// The length of the message.
    public var bodyBytes: Int
    /// The label or address of the sender, or a hyphen if the sender has disconnected.
    public var from: String
    /// The label or address of the receiver, or a hyphen if the receiver has disconnected.
    public var to: String
    /// How often the message has been handed out under a lease, this time included. Nil without a lease.
    public var attempt: Int?
    /// The number of handoffs that were left out before this one because the client did not read fast enough.
    public var droppedBefore: Int

    package init(
        secondsSinceStart: Double,
        channel: String,
        bodyBytes: Int,
        from: String,
        to: String,
        attempt: Int? = nil,
        droppedBefore: Int = 0
    ) {
        self.secondsSinceStart = secondsSinceStart
        self.channel = channel
        self.bodyBytes = bodyBytes
        self.from = from
        self.to = to
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
        text += "  \(from) -> \(to)"
        if let attempt { text += "  attempt \(attempt)" }
        return text
    }
}
