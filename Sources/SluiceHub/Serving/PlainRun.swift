import SluiceRuntime
import SluiceWire

/// Plain sends of one client, one behind the other.
///
/// Where they go to a counted receive that waits alone, what was decided for one holds for those behind it, as long as
/// nothing else happens: nobody else waits on the channel, the receiver takes what it is sent, and the hub stays locked. So
/// each of them takes a comparison and two copies, and the hub is told of all together: a stream of short messages takes
/// less than half of the instructions.
struct PlainRun {
    private var route: Route?
    /// What was handed over last, and not on a route.
    private var previous: PlainSend?

    /// The one before, if those like it go the same way.
    var last: PlainSend? { route?.last }

    /// Hands a message over, if its receiver waits for it, and that takes no more than to write it.
    ///
    /// - Returns: whether the receiver has it.
    mutating func handOver(
        _ send: PlainSend, from sender: ConnectionID, by share: ReactorShare, in state: inout HubState
    ) -> Bool {
        if route?.take(send) == true { return true }
        end(&state.machine)
        guard let (receiver, connection) = state.handOver(send, from: sender, by: share) else { return false }
        // Of messages to one channel after the other, none would follow.
        if previous?.hasChannel(of: send) == true, receiver.stream != nil, receiver.channel.engine.parkedReceivers == 1
        {
            let room = state.machine.outputRoom(of: receiver.caller.connection)
            route = Route(after: send, to: receiver, at: connection, room: room)
        }
        previous = send
        return true
    }

    /// Has the hub know of all of them. To be called before it is asked for anything else.
    mutating func end(_ machine: inout HubStateMachine) {
        guard let route = route.take() else { return }
        machine.noteRun(of: route.count, outputBytes: route.outputBytes, to: route.receiver)
    }
}

/// The way from a sender to a counted receive.
private struct Route {
    private(set) var last: PlainSend
    let receiver: ConnectionID
    private let connection: Connection
    /// What stands before the length of each message.
    private let head: [UInt8]
    /// Messages go on that count for less.
    private var room: Int
    /// How many messages have gone this way since the first, and what they count for.
    private(set) var count = 0
    private(set) var outputBytes = 0

    /// - Parameter first: which the receiver has got.
    init(
        after first: PlainSend, to receiver: HubStateMachine.PlainReceiver, at connection: Connection, room: Int
    ) {
        last = first
        self.receiver = receiver.caller.connection
        self.connection = connection
        self.room = room
        head = [UInt8](messageHeadFrom: receiver.channel.name, tag: receiver.caller.tag)
    }

    /// - Returns: whether the receiver has it.
    mutating func take(_ send: PlainSend) -> Bool {
        let bytes = HubStateMachine.outputBytes(ofMessage: send.text.count)
        guard send.hasChannel(of: last), bytes < room, connection.takesMessages else { return false }
        connection.take(send.text, behind: head, bytes)
        room -= bytes
        outputBytes += bytes
        count += 1
        last = send
        return true
    }
}
