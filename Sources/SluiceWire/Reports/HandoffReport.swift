/// One event of a `TRACE`: a message was taken.
public struct HandoffReport: Report, Hashable {
    /// Since the start of the server.
    public var secondsSinceStart: Double
    /// Where the message changed hands.
    public var channel: String
    /// How long it is.
    public var bodyBytes: Int
    /// The label or address of the sender, or a hyphen if it is not there any more.
    public var from: String
    /// The label or address of the receiver, or a hyphen.
    public var to: String
    /// How often the message was handed out under a lease, this time included; nil without a lease.
    public var attempt: Int?
    /// How many handoffs since the last one that was shown are not: the client was not fast enough for them.
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

    /// One line, and before it one that says how many handoffs are not shown, if any are not.
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
