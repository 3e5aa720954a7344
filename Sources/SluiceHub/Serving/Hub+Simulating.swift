package import SluiceRuntime

/// What simulations need: clients without a kernel, and a look at what they make the hub keep in memory.
extension Hub {
    /// Serves a simulated client; false when there are as many as there may be. On the reactor's thread only.
    package func admit(_ socket: VirtualSocket, from client: String) -> Bool {
        let share = share(of: timekeeper)
        guard case .admitted(let connection) = enter(client, from: nil, on: [share]) else { return false }
        share.connectionEnters()
        connection.begin(socket)
        return true
    }

    /// Whether it has been told to stop, and has.
    package var isAtItsEnd: Bool { look { $0.isDrained } }

    /// The most that one connection makes the hub keep. On the reactor's thread only.
    package var largestUse: ConnectionUse {
        var largest = ConnectionUse()
        for connection in connections(of: share(of: timekeeper)) { largest.formMaximum(with: connection.use) }
        return largest
    }
}

/// The bytes that a connection makes the hub keep.
package struct ConnectionUse: Sendable {
    /// Input that has not run: lines that wait, and the beginning of a body.
    package var heldInput = 0
    /// Replies that the client has not taken.
    package var output = 0

    /// Nothing.
    package init(heldInput: Int = 0, output: Int = 0) {
        self.heldInput = heldInput
        self.output = output
    }

    fileprivate mutating func formMaximum(with other: ConnectionUse) {
        heldInput = max(heldInput, other.heldInput)
        output = max(output, other.output)
    }
}
