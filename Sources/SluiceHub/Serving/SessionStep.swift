import SluiceWire

/// What a session does in its turn, behind commands that wait for the hub's lock.
enum SessionStep {
    /// Runs a command that needs the hub.
    case run(Request)
    /// Answers one that does not.
    case answer(Reply, Tag?)
}
