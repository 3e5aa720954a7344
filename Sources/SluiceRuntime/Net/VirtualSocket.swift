/// A connected socket without a kernel: whoever plays the peer says what arrives and what is taken, and when.
///
/// For simulations, where a connection is to meet every order of events and the same ones again. It tells its owner what
/// a poll of the kernel would, and only when it is asked to: see `tell`. Belongs to the reactor's thread.
package final class VirtualSocket {
    private weak var observer: (any SocketObserver)?
    private var watchesReading = false
    private var watchesWriting = false
    private var incoming: [UInt8] = []
    /// How many of `incoming` were read.
    private var consumed = 0
    private(set) var hasInputEnded = false
    private var outgoing: [UInt8] = []
    /// How many bytes are held for a peer that does not take them.
    package var outputRoom: Int { didSet { noteReadiness() } }
    package private(set) var isBroken = false
    /// Whether the owner has closed it.
    package private(set) var isClosed = false
    /// Whether the owner will write nothing more.
    package private(set) var hasOutputEnded = false
    /// Called when there may be something to tell the owner.
    package var whenReady: ((VirtualSocket) -> Void)?
    /// Called when the owner has written, has finished writing, or has closed.
    package var whenChanged: ((VirtualSocket) -> Void)?

    package init(outputRoom: Int) {
        self.outputRoom = outputRoom
    }

    // MARK: The peer's side

    /// How many bytes the owner has not read.
    package var unreadBytes: Int { incoming.count - consumed }
    /// How many bytes the peer has not taken.
    package var untakenBytes: Int { outgoing.count }

    package func arrive(_ bytes: some Collection<UInt8>) {
        guard !isClosed, !isBroken else { return }
        incoming.append(contentsOf: bytes)
        noteReadiness()
    }

    /// The peer has finished writing.
    package func arriveEnd() {
        hasInputEnded = true
        noteReadiness()
    }

    /// The peer has broken the connection off: what was not read is lost.
    package func breakOff() {
        isBroken = true
        incoming = []
        consumed = 0
        outgoing = []
        noteReadiness()
    }

    /// Takes what the owner has written, up to so many bytes.
    package func takeOutput(upTo count: Int) -> [UInt8] {
        let taken = Array(outgoing.prefix(count))
        outgoing.removeFirst(taken.count)
        noteReadiness()
        return taken
    }

    // MARK: Polling

    /// Whether a poll of the kernel would tell the owner something.
    package var isReady: Bool {
        if isClosed { return false }
        return watchesReading && isReadable || watchesWriting && isWritable
    }

    private var isReadable: Bool { isBroken || unreadBytes > 0 || hasInputEnded }
    private var isWritable: Bool { isBroken || outgoing.count < outputRoom }

    /// Tells the owner what a poll of the kernel would now.
    package func tell() {
        if watchesReading, isReadable, !isClosed { observer?.socketIsReadable() }
        if watchesWriting, isWritable, !isClosed { observer?.socketIsWritable() }
    }

    private func noteReadiness() {
        if isReady { whenReady?(self) }
    }

    // MARK: The owner's side

    func attach(_ observer: any SocketObserver) {
        self.observer = observer
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
            incoming.removeAll(keepingCapacity: true)
            consumed = 0
        }
        return .bytes(count)
    }

    func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        if isBroken || isClosed { return .failed(errno: Self.reset) }
        let count = min(bytes.count, outputRoom - outgoing.count)
        guard count > 0 else { return .wouldBlock }
        outgoing.append(contentsOf: bytes.prefix(count))
        whenChanged?(self)
        return .bytes(count)
    }

    func tryWrite(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> WriteAttempt {
        ([UInt8](first) + [UInt8](second) + [UInt8](third)).withUnsafeBytes { tryWrite($0) }
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

    /// `ECONNRESET` on Linux; the owner only passes it on.
    static let reset: Int32 = 104
}
