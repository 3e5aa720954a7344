// What the reactor does for sockets without a task.
extension Reactor {
    typealias SocketRegistration = UnsafeMutablePointer<PolledSocket.Registration>

    /// Lists a socket with events for `deliverSocketEvents`. Linking the sockets costs a third of an array of events.
    func queueEvents(of socket: SocketRegistration) {
        socket.pointee.next = firstSocketWithEvents
        firstSocketWithEvents = socket
        socketsWithEvents &+= 1
    }

    /// Removes a listed socket, whose owner has released it.
    func forgetEvents(of socket: SocketRegistration) {
        guard firstSocketWithEvents != socket else { return firstSocketWithEvents = socket.pointee.next }
        var previous = firstSocketWithEvents
        while let candidate = previous, candidate.pointee.next != socket { previous = candidate.pointee.next }
        previous?.pointee.next = socket.pointee.next
    }

    /// The most sockets served before their owners write their output. Until then each owner holds memory for its
    /// output. If thousands did so at once, the holes in the heap would be larger than all that idle connections need.
    private static let mostBetweenWrites = 256

    /// The time after which the sockets that are left wait for the next turn, in nanoseconds.
    private static let longestService: UInt64 = 4_000_000

    /// With more sockets than this, the clock is read before they are served.
    private static let fewSockets = 8
    /// The most sockets that are served in the order of their events, regardless of their groups.
    private static let mostInOrder = 256
    /// If there are more, this many sockets of each group are served before all others.
    private static let firstOfGroup = 16

    /// Moves the first sockets of each group to the front. So a client with thousands of connections does not delay
    /// those of others.
    @inline(never)
    private func putFewFirst() {
        var counts: [Int: Int] = [:]
        var sockets: [(first: SocketRegistration?, last: SocketRegistration?)] = [(nil, nil), (nil, nil)]
        var next = firstSocketWithEvents
        while let socket = next {
            next = socket.pointee.next
            socket.pointee.next = nil
            var place = 0
            if let group = socket.pointee.group {
                let count = counts[group, default: 0]
                counts[group] = count + 1
                if count >= Self.firstOfGroup { place = 1 }
            }
            if let last = sockets[place].last { last.pointee.next = socket } else { sockets[place].first = socket }
            sockets[place].last = socket
        }
        if let last = sockets[0].last { last.pointee.next = sockets[1].first }
        firstSocketWithEvents = sockets[0].first ?? sockets[1].first
    }

    /// Calls the sockets' owners with their events, in the order in which these happened. libev reports the latest
    /// first, which would serve the earliest last.
    func deliverSocketEvents() {
        guard firstSocketWithEvents != nil else { return }
        if socketsWithEvents > Self.fewSockets { socketsBegan = nowNanoseconds }
        if socketsWithEvents > Self.mostInOrder { putFewFirst() }
        let count = socketsWithEvents
        socketsWithEvents = 0
        var served = 0
        while let socket = firstSocketWithEvents {
            firstSocketWithEvents = socket.pointee.next
            // To a monitor each is a job, so that it notices one that blocks the loop.
            progress.jobBegins()
            socket.pointee.deliver()
            served += 1
            guard served % Self.mostBetweenWrites == 0, firstSocketWithEvents != nil else { continue }
            continueTurn()
            if let began = socketsBegan, nowNanoseconds &- began > Self.longestService {
                socketsWithEvents = max(0, count - served)
                break
            }
        }
        socketsBegan = nil
        progress.jobsEnd()
    }

    /// Lists the sockets that the last turn has left, which begin with `first`, before those with later events.
    func listFirst(_ first: SocketRegistration?) {
        guard let first else { return }
        var last = first
        while let next = last.pointee.next { last = next }
        last.pointee.next = firstSocketWithEvents
        firstSocketWithEvents = first
    }
}

/// An object that a reactor calls at the end of a turn, such as a connection with output to write.
package protocol EndOfTurn: AnyObject {
    func turnEnds()

    /// Called instead of `turnEnds` when many sockets have been served and the reactor will serve more in the same
    /// turn. By default, calls `turnEnds`.
    func turnContinues()
}

extension EndOfTurn {
    package func turnContinues() { turnEnds() }
}
