import SluiceRuntime

/// What the connections of one reactor share: the buffer that all of them read into, and buffers for their output. So a
/// connection that says nothing owns no buffer, and a busy one allocates none. Belongs to the reactor's thread.
final class ReactorShare: @unchecked Sendable {
    // Sendable: `reactor` and `number` are constant, everything else belongs to the reactor's thread.

    /// A larger buffer is not kept: it was a burst, and most replies are short.
    private static let largestBufferKept = 64 << 10
    private static let maxBuffers = 64
    /// Enough for most bodies at once.
    private static let scratchBytes = 128 << 10
    private static let mostDeliveriesKept = 1024
    private static let firstCapacity = 1 << 10

    let reactor: Reactor
    /// The reactor's place among those of the hub.
    let number: Int
    /// What a connection reads into. Nothing stays in it when the connection gives way to another.
    let scratch: UnsafeMutableRawBufferPointer
    /// What connections of the reactor are to be told, once the hub's lock is released.
    @exclusivity(unchecked) var deliveries: [Delivery?] = []
    /// The storage of the last deliveries, for reuse.
    @exclusivity(unchecked) private var spareDeliveries: [Delivery?] = []
    @exclusivity(unchecked) private var isDelivering = false
    /// Whether the hub is about to stop, as far as the reactor knows.
    @exclusivity(unchecked) var isDraining = false
    /// Opened when the last connection has gone; nil while there is none.
    @exclusivity(unchecked) var warden: Gate?
    @exclusivity(unchecked) private var connectionCount = 0
    @exclusivity(unchecked) private var buffers: [[UInt8]] = []

    init(of reactor: Reactor, number: Int, limits: HubLimits) {
        self.reactor = reactor
        self.number = number
        scratch = .allocate(byteCount: max(limits.inputRoom, Self.scratchBytes), alignment: 64)
    }

    deinit { scratch.deallocate() }

    func connectionEnters() {
        connectionCount += 1
    }

    func connectionLeaves() {
        connectionCount -= 1
        if connectionCount > 0 { return }
        warden?.open()
        warden = nil
    }

    /// Whether the connections know all that was left for them here.
    var hasDelivered: Bool { deliveries.isEmpty && !isDelivering }

    /// Tells the connections, in order: what one of them then has decided comes after what was decided before.
    func deliver() {
        if isDelivering { return }
        isDelivering = true
        defer { isDelivering = false }
        while !deliveries.isEmpty {
            var current: [Delivery?] = []
            swap(&current, &spareDeliveries)
            swap(&current, &deliveries)
            for index in current.indices {
                // Moved out, not copied: see `HubState.routeEffects`.
                if let delivery = current[index].take() { delivery.connection.deliver(delivery) }
            }
            current.removeAll(keepingCapacity: current.capacity <= Self.mostDeliveriesKept)
            swap(&current, &spareDeliveries)
        }
    }

    /// An empty buffer with some capacity.
    func takeBuffer() -> [UInt8] {
        if let buffer = buffers.popLast() { return buffer }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.firstCapacity)
        return buffer
    }

    func giveBack(_ buffer: consuming [UInt8]) {
        guard buffers.count < Self.maxBuffers, buffer.capacity <= Self.largestBufferKept else { return }
        buffer.removeAll(keepingCapacity: true)
        buffers.append(buffer)
    }
}
