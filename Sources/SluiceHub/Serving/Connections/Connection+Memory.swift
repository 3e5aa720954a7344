import SluiceWire

/// The memory of the connection's input and output, which the hub charges to the client.
extension Connection {
    /// The least change of input and output, in bytes, that is reported to the hub at once, and at the end of a turn. A
    /// report takes the hub's lock, so most turns make none.
    static let leastChargedInTurn = 16 << 10
    static let leastCharged = 4 << 10

    /// Charges the client for its input and output. If they exceed its share, refuses the command whose body is arriving,
    /// or ends the connection.
    @inline(__always)
    func chargeBuffers(ifChangedBy least: Int, countingBodies countsBodies: Bool) {
        guard let refusal = conversation.chargeBuffers(ifChangedBy: least, countingBodies: countsBodies),
            conversation.ending == nil
        else { return }
        refuse(refusal)
    }

    @inline(never)
    private func refuse(_ refusal: WireError) {
        if conversation.refuseBodies(refusal) { return }
        if conversation.holdsMoreInput {
            conversation.refuse(refusal, because: .memory)
        } else {
            close(because: .backlog)
        }
    }
}
