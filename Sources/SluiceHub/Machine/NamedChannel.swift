import SluiceRuntime
import SluiceWire

/// A channel that clients know by its name.
final class NamedChannel: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    typealias Engine = Matcher<Body, WireSender, WireReceiver>

    fileprivate(set) var name: ChannelName
    /// Where sends and receives meet.
    @exclusivity(unchecked) var engine = Engine(.rendezvous)

    fileprivate init(_ name: ChannelName) {
        self.name = name
    }

    /// Whether nobody would miss the channel.
    fileprivate var isIdle: Bool { engine.parkedSenders == 0 && engine.parkedReceivers == 0 }

    /// What an operation on the channel is told once the channel has ended.
    var endingReply: Reply {
        switch engine.ending {
        case .poisoned(let reason): .poisoned(name, reason)
        case .closed(let reason): .closed(name, reason)
        case nil: preconditionFailure("the channel has not ended")
        }
    }
}

/// The channels that somebody waits on, by name. Others need no memory: a channel is what its waiters make it.
struct ChannelTable: ~Copyable {
    /// How many idle channels are kept as mere objects, under no name, so that one that comes and goes with each
    /// message is not allocated each time.
    private static let maxSpares = 64

    private var channels: [ChannelName: NamedChannel] = [:]
    private var spares: [NamedChannel] = []

    /// The number of channels that somebody waits on.
    var count: Int { channels.count }

    /// The channel of that name. Who does not wait on it after all gives it to `release`.
    mutating func channel(_ name: ChannelName) -> NamedChannel {
        if let channel = channels[name] { return channel }
        let channel = spares.popLast() ?? NamedChannel(name)
        channel.name = name
        channels[name] = channel
        return channel
    }

    /// Forgets the channel if nobody waits on it.
    mutating func release(_ channel: NamedChannel) {
        guard channel.isIdle, channels.removeValue(forKey: channel.name) != nil else { return }
        if spares.count < Self.maxSpares { spares.append(channel) }
        shrink()
    }

    /// Gives memory back once most of it is unused; rarely enough to cost a removal nothing on average.
    private mutating func shrink() {
        guard channels.capacity > 4096, channels.count < channels.capacity / 8 else { return }
        channels = Dictionary(uniqueKeysWithValues: Array(channels))
    }
}
