// What the reactor does for sockets without a task.
extension Reactor {
    /// Queues a socket's event for `deliverSocketEvents`.
    func queueEvent(_ event: SocketEvent) {
        socketEvents.append(event)
    }

    /// The most sockets served before their owners write their output. Until then each owner holds memory for its
    /// output. If thousands did so at once, the holes in the heap would be larger than all that idle connections need.
    private static let mostBetweenWrites = 256

    /// Calls the sockets' owners with their events, in the order in which these happened. libev reports the latest
    /// first, which would serve the earliest last.
    func deliverSocketEvents() {
        guard !socketEvents.isEmpty else { return }
        // Taken out one by one: emptying the array at the end costs more than all of these.
        while let event = socketEvents.popLast() {
            // To a monitor each is a job, so that it notices one that blocks the loop.
            progress.jobBegins()
            event.deliver()
            if !socketEvents.isEmpty, socketEvents.count % Self.mostBetweenWrites == 0 { endTurn() }
        }
        progress.jobsEnd()
    }
}

/// An object that a reactor calls at the end of a turn, such as a connection with output to write.
package protocol EndOfTurn: AnyObject {
    func turnEnds()
}
