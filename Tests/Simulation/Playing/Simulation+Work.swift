import SluiceHub
import SluiceRuntime
import SluiceWire

/// How much the hub does in one piece, while other clients wait.
extension Simulation {
    /// The number of the client that asks, again and again, for something that the hub can do at once.
    static let neighbour = -2

    /// Connects the neighbour, if the plan has one.
    func connectNeighbour() {
        if plan.setting.hasNeighbour { current[Self.neighbour] = connect(Self.neighbour, networkBytes: 1 << 16) }
    }

    /// Sends a command of the neighbour, if its last one was answered.
    func askNeighbour() {
        guard let connection = current[Self.neighbour], connection.tagged.isEmpty, history.drain == nil else { return }
        send(.ping([]), isTagged: true, on: connection, step: -1)
    }

    /// Records the input that the hub has run in a turn, if it was more than in all turns before.
    func noteInput() {
        let taken = hub.inputStepsTaken - inputSteps
        inputSteps += taken
        history.longestInput = max(history.longestInput, taken)
    }

    /// Calls the hub, and records the steps of work that it takes, if they are more than it may take in one piece.
    func measure<Result>(isTurn: Bool, _ call: () -> Result) -> Result {
        let (steps, connections, parked) = (hub.stepsTaken, hub.connectionCount, hub.parkedCount)
        let result = call()
        let taken = hub.stepsTaken - steps
        let turnSteps = plan.setting.limits.turnSteps
        // In a turn, each connection may run commands, and the hub continues unfinished work and ends what has expired.
        let usual = turnSteps * (isTurn ? connections + 3 : 2)
        if taken > usual { note(taken, usual, connections, parked) }
        return result
    }

    /// - Parameters:
    ///   - known: the number of connections that the hub had before.
    ///   - parked: the number of operations that were parked before.
    private func note(_ taken: Int, _ usual: Int, _ known: Int, _ parked: Int) {
        // The commands of a client that leaves are withdrawn at once.
        let staying = connections.count { connection in
            !connection.hasEnded && !connection.hasFinishedSending && !connection.socket.isClosed
                && !connection.socket.hasOutputEnded && history.connections[connection.number].farewell == nil
        }
        let leaving = known - staying
        let pending = connections.reduce(0) { max($0, $1.tagged.count + $1.untagged.count) }
        // A command may count the operations that it will end, and end one that takes more than a step.
        // A connection that is gone has no pending commands here, but had some before; a select takes a step for two arms,
        // of which it has at most 18.
        let withdrawn = leaving > 0 ? 10 * max(0, parked - hub.parkedCount) : 0
        let bound = usual + 64 + hub.parkedCount / 4 + max(leaving * pending, withdrawn)
        if taken > bound { history.overruns.append(Overrun(time: now, steps: taken, bound: bound)) }
    }
}
