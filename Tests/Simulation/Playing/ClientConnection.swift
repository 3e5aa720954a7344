import SluiceRuntime
import SluiceWire

/// The client's end of a connection.
final class ClientConnection {
    let number: Int
    let client: Int
    let socket: VirtualSocket
    /// Decides how the connection delays and splits bytes, independently of other connections.
    var chance: Chance
    var parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 16))
    /// The beginning of a reply whose rest has not arrived.
    var unparsed: [UInt8] = []
    /// The tagged exchanges that await their final reply.
    var tagged: [Tag: Int] = [:]
    /// The untagged exchanges that await their final reply, the oldest first.
    var untagged: [Int] = []
    /// The number of exchanges whose command the hub is known to have read.
    var enteredCount = 0
    /// When the bytes that were sent last arrive: later bytes do not overtake them.
    var lastArrival: UInt64 = 0
    /// The time until which the client reads no replies.
    var stalledUntil: UInt64 = 0
    /// Whether an event for reading replies is pending.
    var isReading = false
    var hasFinishedSending = false
    var hasEnded = false
    /// Whether the connection is in the list of those whose socket is ready for the hub.
    var isReady = false

    init(_ number: Int, of client: Int, _ socket: VirtualSocket, chance: Chance) {
        self.chance = chance
        self.number = number
        self.client = client
        self.socket = socket
    }
}
