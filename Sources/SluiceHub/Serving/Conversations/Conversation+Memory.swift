import SluiceWire

/// The memory of a connection's input and output, which the hub charges to the client.
extension Conversation {
    /// The memory that the conversation uses.
    var use: ConnectionUse { ConnectionUse(heldInput: inputBytes, output: segment.output.count) }

    /// Tells the hub how much memory the connection's input and output take now, if that differs by at least `least`
    /// bytes from what it last charged.
    ///
    /// - Parameter countsBodies: whether to count the bodies that the output refers to. In the middle of a turn, most
    ///   of them are about to be written, and other connections share them.
    /// - Returns: the error if the client may not use that much memory. Nearly always nil.
    @inline(__always)
    func chargeBuffers(ifChangedBy least: Int, countingBodies countsBodies: Bool) -> WireError? {
        let output = countsBodies ? segment.output.memoryBytes : segment.output.encodedBytes
        var bytes = inputBytes + output + transportBytes
        if job != nil { bytes += jobBytes }
        if abs(bytes - chargedBytes) < least { return nil }
        return charge(bytes)
    }

    /// The memory of the report that is being taken.
    private var jobBytes: Int { if case .report(let report, _) = job { report.memoryBytes } else { 0 } }

    @inline(never)
    private func charge(_ bytes: Int) -> WireError? {
        var refusal: WireError?
        hub.transact(share) { [id, chargedBytes] machine in
            guard let client = machine.clients[id] else { return }
            if bytes > max(chargedBytes, Budget.unrefusedBytes) {
                refusal = machine.account.refusal(of: bytes - chargedBytes, for: client)
            }
            client.noteBuffers(bytes)
        }
        chargedBytes = bytes
        return refusal
    }

    /// Refuses the command whose bodies are arriving, and skips them.
    ///
    /// - Returns: whether there was such a command.
    func refuseBodies(_ error: WireError) -> Bool {
        guard let request = parser.skipBodies() else { return false }
        lastVerb = nil
        answer(.error(error), request.tag)
        if !share.events.isEmpty { hub.reportEvents(of: share) }
        _ = chargeBuffers(ifChangedBy: 0, countingBodies: true)
        return true
    }

    /// Whether most of the connection's memory is for input.
    var holdsMoreInput: Bool { inputBytes > segment.output.encodedBytes }
}
