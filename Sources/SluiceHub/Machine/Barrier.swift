import SluiceRuntime
import SluiceWire

/// Where so many wait until all are there. It exists while somebody stands at it.
final class Barrier: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let name: ChannelName
    /// How many must come; nil while nobody who stands there has said.
    @exclusivity(unchecked) var parties: Int?
    @exclusivity(unchecked) var waiting = WaitQueue<WireReceiver>()

    init(_ name: ChannelName) {
        self.name = name
    }
}
