/// Waits until a number of clients have arrived (`BARRIER`).
package struct BarrierCommand: Sendable, Hashable {
    package var name: ChannelName
    /// How many clients meet, at least one. Nil, which only an arm of a select may have, leaves the number to the
    /// others.
    package var parties: Int?
    /// How long to wait. Zero tries once, nil waits for ever.
    package var timeout: Duration?
    /// Whether the command stays parked after the client half-closes its connection (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(_ name: ChannelName, parties: Int?, timeout: Duration? = nil, waitsAfterEOF: Bool = false) {
        self.name = name
        self.parties = parties
        self.timeout = timeout
        self.waitsAfterEOF = waitsAfterEOF
    }
}
