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

    /// Calls the hub, and records the steps of work that it takes, if they are more than it may take in one piece.
    func measure<Result>(isTurn: Bool, _ call: () -> Result) -> Result {
        let (steps, connections) = (hub.stepsTaken, hub.connectionCount)
        let result = call()
        let taken = hub.stepsTaken - steps
        let turnSteps = plan.setting.limits.turnSteps
        // In a turn, each connection may run commands, and the hub continues unfinished work and ends what has expired.
        let usual = turnSteps * (isTurn ? connections + 3 : 2)
        if taken > usual { note(taken, usual, connections) }
        return result
    }

    /// - Parameter known: the number of connections that the hub had before.
    private func note(_ taken: Int, _ usual: Int, _ known: Int) {
        // The commands of a client that leaves are withdrawn at once.
        let staying = connections.count { connection in
            !connection.hasEnded && !connection.hasFinishedSending && !connection.socket.isClosed
                && !connection.socket.hasOutputEnded && history.connections[connection.number].farewell == nil
        }
        let leaving = known - staying
        let pending = connections.reduce(0) { max($0, $1.tagged.count + $1.untagged.count) }
        // A command may count the operations that it will end, and end one that takes more than a step.
        let bound = usual + 64 + hub.parkedCount / 4 + leaving * pending
        if taken > bound { history.overruns.append(Overrun(time: now, steps: taken, bound: bound)) }
    }
}
