/// The answer to `CHANNELS`.
public struct ChannelsReport: Report, Hashable {
    /// Those in use.
    public var channels: [ChannelReport]
    /// How many more there are.
    public var omitted: Int

    package init(channels: [ChannelReport], omitted: Int = 0) {
        self.channels = channels
        self.omitted = omitted
    }

    /// For people.
    public var text: String {
        if channels.isEmpty, omitted == 0 { return "no channel is in use" }
        var table = TextTable(
            .text("CHANNEL"), .text("KIND"), .number("SEND"), .number("RECV"), .number("BUF"), .number("LEASED"),
            .number("ENDS"), .text("STATE"))
        for channel in channels {
            table.append(
                channel.name, channel.kindText, String(channel.senders), String(channel.receivers),
                String(channel.buffered), String(channel.leased), channel.endsText, channel.stateText)
        }
        return table.text(omitted: omitted)
    }
}
