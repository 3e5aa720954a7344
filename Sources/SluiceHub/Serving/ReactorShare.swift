import SluiceRuntime
import SluiceWire

/// What the connections of one reactor share: the buffer that all of them read into, and buffers for their output. So a
/// connection that says nothing owns no buffer, and a busy one allocates none. Belongs to the reactor's thread.
final class ReactorShare: EndOfTurn, @unchecked Sendable {
    // Sendable: `reactor` and `number` are constant, everything else belongs to the reactor's thread.

    /// A larger buffer is not kept: it was a burst, and most replies are short.
    private static let largestBlockKept = 64 << 10
    private static let maxBlocks = 64
    /// Enough for most bodies at once.
    private static let scratchBytes = 128 << 10
    /// A long turn is interrupted for early writes only while so few connections have something to write.
    private static let mostFlushedEarly = 2

    let reactor: Reactor
    /// The reactor's place among those of the hub.
    let number: Int
    /// What a connection reads into. Nothing stays in it when the connection gives way to another.
    let scratch: UnsafeMutableRawBufferPointer
    /// The list of the segments with new replies, whose owners do not know yet.
    @exclusivity(unchecked) private var firstArrived: OutboxSegment?
    @exclusivity(unchecked) private unowned(unsafe) var lastArrived: OutboxSegment?
    @exclusivity(unchecked) private var isNotifying = false
    /// The list of the connections that are called at the end of this turn.
    @exclusivity(unchecked) private var firstScheduled: Connection?
    @exclusivity(unchecked) private unowned(unsafe) var lastScheduled: Connection?
    @exclusivity(unchecked) private var scheduledCount = 0
    /// Whether the hub is about to stop, as far as the reactor knows.
    @exclusivity(unchecked) var isDraining = false
    /// Opened when the last connection has gone; nil while there is none.
    @exclusivity(unchecked) var warden: Gate?
    @exclusivity(unchecked) private var connectionCount = 0
    /// Memory of buffers that were written.
    @exclusivity(unchecked) private var blocks: ContiguousArray<ByteBuffer.Block> = []

    init(of reactor: Reactor, number: Int, limits: HubLimits) {
        self.reactor = reactor
        self.number = number
        scratch = .allocate(byteCount: max(limits.inputRoom, Self.scratchBytes), alignment: 64)
    }

    deinit {
        scratch.deallocate()
        for block in blocks { block.free() }
    }

    func connectionEnters() {
        connectionCount += 1
    }

    func connectionLeaves() {
        connectionCount -= 1
        if connectionCount > 0 { return }
        warden?.open()
        warden = nil
    }

    // MARK: Replies

    /// Lists a segment as one with new replies. Under the hub's lock.
    func noteArrival(in segment: OutboxSegment) {
        if segment.isArrived { return }
        segment.isArrived = true
        if firstArrived == nil { firstArrived = segment } else { lastArrived?.nextArrived = segment }
        lastArrived = segment
    }

    /// Notifies the owners of the segments with new replies.
    func notifyOwners() {
        if firstArrived == nil || isNotifying { return }
        isNotifying = true
        while let segment = firstArrived {
            firstArrived = segment.nextArrived.take()
            segment.isArrived = false
            if !segment.isClosed { segment.owner?.repliesArrived() }
        }
        isNotifying = false
    }

    // MARK: Turns

    /// Has a connection called at the end of this turn.
    func schedule(_ connection: Connection) {
        if firstScheduled == nil {
            firstScheduled = connection
            reactor.atEndOfTurn(self)
        } else {
            lastScheduled?.nextScheduled = connection
        }
        lastScheduled = connection
        scheduledCount += 1
    }

    func turnEnds() {
        var next = firstScheduled.take()
        scheduledCount = 0
        while let connection = next {
            next = connection.nextScheduled.take()
            connection.turnEnds()
        }
    }

    /// Writes what the connections have to write that are called at the end of this turn, unless they are many: then
    /// there is as much to do for the others, and one write a turn serves all best.
    ///
    /// - Parameter busy: the connection whose input runs; it is written last.
    func flushEarly(with busy: Connection) {
        guard scheduledCount <= Self.mostFlushedEarly else { return }
        var next = firstScheduled
        while let connection = next {
            if connection !== busy { connection.flushEarly() }
            next = connection.nextScheduled
        }
        busy.flushEarly()
    }

    // MARK: Buffers

    /// An empty buffer, with memory that another one had.
    func takeBuffer() -> ByteBuffer {
        blocks.popLast().map { ByteBuffer($0) } ?? ByteBuffer()
    }

    /// Empties a buffer, and keeps its memory for another one.
    func recycle(_ buffer: inout ByteBuffer) {
        guard let block = buffer.takeBlock() else { return }
        guard blocks.count < Self.maxBlocks, block.capacity <= Self.largestBlockKept else { return block.free() }
        blocks.append(block)
    }
}
