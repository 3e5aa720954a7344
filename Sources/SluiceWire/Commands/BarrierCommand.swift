/// Wait until so many are there, and go on together.
package struct BarrierCommand: Sendable, Hashable {
    package var name: ChannelName
    /// How many must come, at least one; nil, in an arm of a select, leaves that to the others.
    package var parties: Int?
    /// How long to wait; zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(_ name: ChannelName, parties: Int?, timeout: Duration? = nil, waitsAfterEOF: Bool = false) {
        self.name = name
        self.parties = parties
        self.timeout = timeout
        self.waitsAfterEOF = waitsAfterEOF
    }
}
