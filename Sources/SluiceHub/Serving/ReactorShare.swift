import SluiceRuntime

/// What the connections of one reactor share: the buffer that all of them read into, and buffers for their output. So a
/// connection that says nothing owns no buffer, and a busy one allocates none. Belongs to the reactor's thread.
final class ReactorShare: @unchecked Sendable {
    // Sendable: `reactor` and `number` are constant, everything else belongs to the reactor's thread.

    /// A larger buffer is not kept: it was a burst, and most replies are short.
    private static let largestBufferKept = 64 << 10
    private static let maxBuffers = 64
    private static let firstCapacity = 1 << 10

    let reactor: Reactor
    /// The reactor's place among those of the hub.
    let number: Int
    /// What a connection reads into. Nothing stays in it when the connection gives way to another.
    let scratch: UnsafeMutableRawBufferPointer
    /// What a session does next, while it runs; empty in between.
    @exclusivity(unchecked) var batch: [SessionStep] = []
    /// Opened when the last connection has gone; nil while there is none.
    @exclusivity(unchecked) var warden: Gate?
    @exclusivity(unchecked) private var connectionCount = 0
    private var buffers: [[UInt8]] = []
    /// What was decided while something was delivered.
    @exclusivity(unchecked) private var laterDeliveries: [Delivery] = []
    @exclusivity(unchecked) private var isDelivering = false

    init(of reactor: Reactor, number: Int, limits: HubLimits) {
        self.reactor = reactor
        self.number = number
        scratch = .allocate(byteCount: limits.inputRoom, alignment: 64)
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

    /// Hands on what clients are told. One who is told may end the conversation, which others are told of: after all that
    /// was decided before.
    func deliver(_ deliveries: [Delivery]) {
        if isDelivering { return laterDeliveries.append(contentsOf: deliveries) }
        isDelivering = true
        var current = deliveries
        while !current.isEmpty {
            for delivery in current { delivery.connection.deliver(delivery) }
            current = []
            swap(&current, &laterDeliveries)
        }
        isDelivering = false
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
