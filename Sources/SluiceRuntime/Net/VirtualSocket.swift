/// A connected socket without a kernel: the code that plays the peer decides what arrives and what is taken, and when.
///
/// For clients in the hub's own process, and for simulations, in which connections meet many orders of events,
/// reproducibly. It tells its owner what a poll of the kernel would, when `tell` is called. Belongs to the reactor's
/// thread.
package final class VirtualSocket {
    private weak var owner: SocketOwner?
    private var watchesReading = false
    private var watchesWriting = false
    private var incoming: [UInt8] = []
    /// The number of bytes of `incoming` that were read.
    private var consumed = 0
    private(set) var hasInputEnded = false
    private var outgoing: [UInt8] = []
    /// The most bytes kept for a peer that does not take them.
    package var outputRoom: Int { didSet { noteReadiness() } }
    package private(set) var isBroken = false
    /// Whether the owner has closed it.
    package private(set) var isClosed = false
    /// Whether the owner will write nothing more.
    package private(set) var hasOutputEnded = false
    /// The bytes that the code on the peer's side holds for the connection.
    package var heldBytes = 0
    /// Called when the owner may have something to be told.
    package var whenReady: ((VirtualSocket) -> Void)?
    /// Called when the owner has written, has finished writing, or has closed.
    package var whenChanged: ((VirtualSocket) -> Void)?
    /// Called when the owner has read everything that has arrived.
    package var whenRead: (() -> Void)?

    package init(outputRoom: Int) {
        self.outputRoom = outputRoom
    }

    // MARK: The peer's side

    /// The number of bytes that the owner has not read.
    package var unreadBytes: Int { incoming.count - consumed }
    /// The number of bytes that the peer has not taken.
    package var untakenBytes: Int { outgoing.count }

    package func arrive(_ bytes: some Collection<UInt8>) {
        guard !isClosed, !isBroken else { return }
        incoming.append(contentsOf: bytes)
        noteReadiness()
    }

    /// Ends the input: the peer has finished writing.
    package func arriveEnd() {
        hasInputEnded = true
        noteReadiness()
    }

    /// Breaks off the connection. What was not read is lost.
    package func breakOff() {
        isBroken = true
        incoming = []
        consumed = 0
        outgoing = []
        noteReadiness()
    }

    /// Takes up to `count` of the bytes that the owner has written.
    package func takeOutput(upTo count: Int) -> [UInt8] {
        var taken: [UInt8] = []
        if count >= outgoing.count {
            swap(&taken, &outgoing)
        } else {
            taken = Array(outgoing.prefix(count))
            outgoing.removeFirst(count)
        }
        noteReadiness()
        return taken
    }

    // MARK: Polling

    /// Whether a poll of the kernel would call the owner.
    package var isReady: Bool {
        if isClosed { return false }
        return watchesReading && isReadable || watchesWriting && isWritable
    }

    private var isReadable: Bool { isBroken || unreadBytes > 0 || hasInputEnded }
    private var isWritable: Bool { isBroken || outgoing.count < outputRoom }

    /// Calls the owner as a poll of the kernel would now.
    package func tell() {
        if watchesReading, isReadable, !isClosed { owner?.socketIsReadable() }
        if watchesWriting, isWritable, !isClosed { owner?.socketIsWritable() }
    }

    private func noteReadiness() {
        if isReady { whenReady?(self) }
    }

    // MARK: The owner's side

    func attach(_ owner: SocketOwner) {
        self.owner = owner
    }

    func watch(reading: Bool, writing: Bool) {
        watchesReading = reading
        watchesWriting = writing
        noteReadiness()
    }

    func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        if isBroken || isClosed { return .failed(errno: Self.reset) }
        let count = min(unreadBytes, buffer.count)
        guard count > 0 else { return hasInputEnded ? .endOfStream : .wouldBlock }
        buffer.copyBytes(from: incoming[consumed..<(consumed + count)])
        consumed += count
        if consumed == incoming.count {
            incoming.removeAll(keepingCapacity: incoming.count <= Self.shortInput)
            consumed = 0
            whenRead?()
        }
        return .bytes(count)
    }

    func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        return tryWrite(bytes, nothing, nothing)
    }

    /// Writes as much as there is room for. A body may be much longer, so no more than that is copied.
    func tryWrite(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> WriteAttempt {
        if isBroken || isClosed { return .failed(errno: Self.reset) }
        let before = outgoing.count
        append(first)
        append(second)
        append(third)
        let count = outgoing.count - before
        guard count > 0 else { return .wouldBlock }
        // The peer may take the bytes at once.
        whenChanged?(self)
        return .bytes(count)
    }

    /// Appends as many bytes as there is room for.
    private func append(_ bytes: UnsafeRawBufferPointer) {
        let room = outputRoom - outgoing.count
        if room > 0 { outgoing.append(contentsOf: bytes.prefix(room)) }
    }

    func finishWriting() {
        hasOutputEnded = true
        whenChanged?(self)
    }

    func close() {
        isClosed = true
        hasOutputEnded = true
        whenChanged?(self)
    }

    /// The memory of input up to this many bytes is kept for further input.
    private static let shortInput = 4 << 10

    /// `ECONNRESET` on Linux.
    static let reset: Int32 = 104
}
