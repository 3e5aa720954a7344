package import SluiceRuntime

/// Support for simulations: clients without a kernel, and the memory that connections use.
extension Hub {
    /// Serves a simulated client. Returns false if a limit is reached. Must be called on the reactor's thread.
    ///
    /// - Parameter network: the number of the address from which the client comes.
    package func admit(_ socket: VirtualSocket, from client: String, network: UInt32 = 0) -> Bool {
        let share = share(of: timekeeper)
        guard case .admitted(let connection) = enter(client, from: .ipv4(network), on: [share]) else { return false }
        share.connectionBegins()
        connection.begin(socket)
        return true
    }

    /// The steps of work that the hub has taken so far; see `Budget`.
    package var stepsTaken: Int { look { $0.machine.steps } }

    /// The steps that the input of the connections has taken so far, and those that a turn has for it. Must be called on the
    /// reactor's thread.
    package var inputStepsTaken: Int { share(of: timekeeper).inputStepsTaken }
    package var inputStepsOfTurn: Int { limits.turnSteps * Budget.connectionsOfTurn }

    /// The bytes of memory that are charged to all clients.
    package var charge: MemoryCharge {
        look { state in
            var charge = MemoryCharge(whole: state.machine.account.used)
            state.machine.account.forEachHolder { charge.holders += $0.used }
            state.machine.clients.forEach { charge.connections += $1.charged }
            return charge
        }
    }

    /// Whether the hub was told to drain and has done so.
    package var isAtItsEnd: Bool { look { $0.isDrained } }

    /// The largest memory use of a single connection. Must be called on the reactor's thread.
    package var largestUse: ConnectionUse {
        var largest = ConnectionUse()
        for connection in connections(of: share(of: timekeeper)) { largest.formMaximum(with: connection.use) }
        return largest
    }
}

/// The bytes of memory that are charged at the three levels of the account.
package struct MemoryCharge: Sendable, Hashable {
    package var whole = 0
    /// The sum of the holders' charges.
    package var holders = 0
    /// The sum of the charges of the clients that are connected.
    package var connections = 0

    package init(whole: Int = 0) {
        self.whole = whole
    }
}

/// The bytes that a connection uses in the hub.
package struct ConnectionUse: Sendable {
    /// Input that has not run: lines that wait, and the beginning of a line or a body.
    package var heldInput = 0
    /// Replies that the client has not read.
    package var output = 0

    /// Creates a use, by default of no bytes.
    package init(heldInput: Int = 0, output: Int = 0) {
        self.heldInput = heldInput
        self.output = output
    }

    fileprivate mutating func formMaximum(with other: ConnectionUse) {
        heldInput = max(heldInput, other.heldInput)
        output = max(output, other.output)
    }
}
