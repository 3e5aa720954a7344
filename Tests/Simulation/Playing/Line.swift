import SluiceRuntime
import SluiceWire

/// The client's end of a connection.
final class Line {
    let number: Int
    let client: Int
    let socket: VirtualSocket
    /// Decides what becomes of what is sent over the line, whatever happens on others.
    var chance: Chance
    var parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 16))
    /// The beginning of a reply.
    var unparsed: [UInt8] = []
    /// The acts that await their final reply, by tag.
    var tagged: [Tag: Int] = [:]
    /// Those without a tag, the first one first.
    var untagged: [Int] = []
    /// How many of the line's acts the hub is known to have looked at.
    var enteredCount = 0
    /// When the bytes that were sent last arrive: later ones do not arrive sooner.
    var lastArrival: UInt64 = 0
    /// Until when the client takes no replies.
    var stalledUntil: UInt64 = 0
    /// Whether the taking of replies is on the agenda.
    var isTaking = false
    var hasFinishedSending = false
    var isOver = false
    /// Whether the socket is among those that have something to tell the hub.
    var isReady = false

    init(_ number: Int, of client: Int, _ socket: VirtualSocket, chance: Chance) {
        self.chance = chance
        self.number = number
        self.client = client
        self.socket = socket
    }
}
