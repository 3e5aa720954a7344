/// What the reactor does for sockets that have no task.
extension Reactor {
    /// Notes what has happened to a socket, for `tellSockets`.
    func isReady(_ event: SocketEvent) {
        socketEvents.append(event)
    }

    /// How many sockets are served before their owners write what they have to. Each holds memory for that until then: of
    /// thousands at once, the holes that it leaves in the heap would be larger than all that idle connections need.
    private static let mostBetweenWrites = 256

    /// Tells the owners of sockets what has happened, in the order in which it has: libev begins with what it has learnt
    /// last, by which those who came first would be served last.
    func tellSockets() {
        guard !socketEvents.isEmpty else { return }
        for index in socketEvents.indices.reversed() {
            // A monitor sees each as a job, and so notices when it holds the loop.
            progress.jobBegins()
            socketEvents[index].tell()
            if index > 0, index % Self.mostBetweenWrites == 0 { endTurn() }
        }
        progress.jobsEnd()
        socketEvents.removeAll(keepingCapacity: true)
    }
}

/// Something that a reactor calls at the end of a turn, such as a connection with output to write.
package protocol EndOfTurn: AnyObject {
    func turnEnds()
    /// The turn goes on for some time, and does so whatever this one does.
    func turnGoesOn()
}

extension EndOfTurn {
    package func turnGoesOn() {}
}
