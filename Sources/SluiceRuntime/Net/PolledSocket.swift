import CLibev
import Glibc

/// The owner of a ``PolledSocket``. Called on the reactor's thread when the socket is ready.
///
/// A class and not a protocol, because a class can be called without counting references, which took a hundredth of a
/// handoff's instructions.
@_documentation(visibility: internal)
open class SocketOwner {
    package init() {}

    /// A read would not block. Called once in each turn of the loop while that is so and reading is watched.
    open func socketIsReadable() { preconditionFailure("a socket's owner overrides this") }
    /// A write would not block. Called once each time writing is watched.
    open func socketIsWritable() { preconditionFailure("a socket's owner overrides this") }
    /// The kernel cannot watch the socket, or lacks the memory. No more events follow.
    open func socketIsUnwatchable() { preconditionFailure("a socket's owner overrides this") }
    /// The number of the group of sockets that may belong to the same client; nil for a socket without a group. If many sockets are
    /// ready, the first ones of each group are served before the others.
    open var socketGroup: Int? { nil }
}

/// A connection without a task, whose owner is called when the socket is ready.
///
/// For servers with very many connections that are mostly idle. A parked task takes 1.5 KB, more than everything else
/// an idle connection needs; this takes the 80 bytes by which libev finds the owner. Belongs to the reactor's thread.
/// The owner keeps the reactor alive, and releases the socket on the reactor's thread.
package struct PolledSocket: ~Copyable {
    /// What libev gets. It does not move.
    struct Registration {
        /// The first member, so that the watcher's address is the registration's. Its `data` links the registrations
        /// with events that the reactor has not delivered.
        fileprivate var watcher = ev_io()
        fileprivate let reactor: Unmanaged<Reactor>
        fileprivate let owner: Unmanaged<SocketOwner>
        /// The events that the reactor has not delivered; 0 for none.
        fileprivate var events: Int32 = 0

        /// The next registration in the reactor's list.
        var next: UnsafeMutablePointer<Registration>? {
            get { watcher.data?.assumingMemoryBound(to: Registration.self) }
            set { watcher.data = UnsafeMutableRawPointer(newValue) }
        }

        var group: Int? { owner._withUnsafeGuaranteedRef { $0.socketGroup } }

        /// Takes the events, and calls the owner with them. The socket may be gone afterwards.
        mutating func deliver() {
            let (owner, events) = (owner, events)
            self.events = 0
            owner._withUnsafeGuaranteedRef { owner in
                if events & Int32(EV_ERROR) != 0 { return owner.socketIsUnwatchable() }
                if events & Int32(EV_READ) != 0 { owner.socketIsReadable() }
                if events & Int32(EV_WRITE) != 0 { owner.socketIsWritable() }
            }
        }
    }

    /// Nil until the socket is opened.
    private var registration: UnsafeMutablePointer<Registration>?
    private var descriptor: Descriptor?
    /// The descriptor's number; -1, which every system call refuses, while there is none.
    private var number: Int32 = -1
    /// What is between the owner and the kernel's socket. One value, so that each read and write makes one check.
    private enum Layer {
        /// Nothing: the kernel's socket alone.
        case none
        /// TLS, whose handshake is over.
        case tls(TLSSession)
        /// A virtual socket, which replaces the kernel's.
        case virtual(VirtualSocket)
    }
    private var layer = Layer.none
    private var virtual: VirtualSocket? { if case .virtual(let socket) = layer { socket } else { nil } }
    private var tls: TLSSession? { if case .tls(let session) = layer { session } else { nil } }
    /// Whether the owner is called when it can read, and when it can write.
    package private(set) var watchesReading = false
    package private(set) var watchesWriting = false

    /// Creates a socket without a connection.
    package init() {}

    /// Takes over a connected, non-blocking socket, which is not watched yet. Call once.
    ///
    /// - Parameter owner: the owner of this value. Not retained.
    package mutating func open(
        _ socket: consuming DetachedSocket, on reactor: Reactor, ownedBy owner: SocketOwner
    ) {
        precondition(registration == nil, "a socket is opened once")
        let registration = UnsafeMutablePointer<Registration>.allocate(capacity: 1)
        registration.initialize(to: Registration(reactor: .passUnretained(reactor), owner: .passUnretained(owner)))
        self.registration = registration
        if let session = socket.tls { layer = .tls(session) }
        number = socket.descriptor.number
        descriptor = socket.takeDescriptor()
    }

    /// Takes over a virtual socket.
    package mutating func open(_ virtual: VirtualSocket, ownedBy owner: SocketOwner) {
        layer = .virtual(virtual)
        virtual.attach(owner)
    }

    deinit {
        stopWatching()
        guard let registration else { return }
        if registration.pointee.events != 0 {
            registration.pointee.reactor._withUnsafeGuaranteedRef { $0.forgetEvents(of: registration) }
        }
        registration.deinitialize(count: 1)
        registration.deallocate()
    }

    package var isOpen: Bool { number >= 0 || virtual?.isClosed == false }

    // MARK: Watching

    /// Sets whether the owner is called when it can read, and when it can write.
    ///
    /// libev tells the kernel when it polls, and only about changes that remain.
    ///
    /// - Parameter pausesWriting: whether the owner is not called for writing, whatever the rest says.
    package mutating func watch(reading: Bool, writing: Bool, pausingWriting pausesWriting: Bool = false) {
        let writing = (writing || hasUnsentOutput) && !pausesWriting
        guard reading != watchesReading || writing != watchesWriting else { return }
        if let virtual { return watch(virtual, reading, writing) }
        guard let registration, number >= 0 else { return }
        stopWatching()
        watchesReading = reading
        watchesWriting = writing
        guard reading || writing else { return }
        let events = Int32(reading ? EV_READ : 0) | Int32(writing ? EV_WRITE : 0)
        let watcher = Self.watcher(of: registration)
        clibev_io_init(watcher, { PolledSocket.happened($1, $2) }, number, events)
        registration.pointee.reactor._withUnsafeGuaranteedRef { ev_io_start($0.loop, watcher) }
    }

    private mutating func watch(_ virtual: VirtualSocket, _ reading: Bool, _ writing: Bool) {
        watchesReading = reading
        watchesWriting = writing
        virtual.watch(reading: reading, writing: writing)
    }

    private static func watcher(of registration: UnsafeMutablePointer<Registration>) -> UnsafeMutablePointer<ev_io> {
        // The first member of the registration.
        UnsafeMutableRawPointer(registration).assumingMemoryBound(to: ev_io.self)
    }

    private func stopWatching() {
        guard watchesReading || watchesWriting, let registration else { return }
        registration.pointee.reactor._withUnsafeGuaranteedRef { ev_io_stop($0.loop, Self.watcher(of: registration)) }
    }

    private static func happened(_ watcher: UnsafeMutablePointer<ev_io>?, _ events: Int32) {
        guard let watcher else { return }
        let registration = UnsafeMutableRawPointer(watcher).assumingMemoryBound(to: Registration.self)
        let isListed = registration.pointee.events != 0
        registration.pointee.events |= events
        if !isListed { registration.pointee.reactor._withUnsafeGuaranteedRef { $0.queueEvents(of: registration) } }
    }

    // MARK: Transfer

    /// Reads without waiting. `buffer` must not be empty.
    package func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        switch layer {
        case .none: Socket.tryRead(number, into: buffer)
        case .tls(let session): session.tryRead(number, into: buffer)
        case .virtual(let socket): socket.tryRead(into: buffer)
        }
    }

    /// Writes without waiting. `bytes` must not be empty.
    package func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        switch layer {
        case .none: Socket.tryWrite(number, bytes)
        case .tls(let session): session.tryWrite(number, bytes)
        case .virtual(let socket): socket.tryWrite(bytes)
        }
    }

    /// Whether the connection is encrypted.
    package var hasTLS: Bool { tls != nil }

    /// Whether TLS holds input of which the kernel does not know, so that the owner is not called for it.
    package var hasBufferedInput: Bool { tls?.hasBufferedInput ?? false }

    /// Whether TLS holds output that the kernel has not taken. The owner is called when the kernel takes more.
    package var hasUnsentOutput: Bool { unsentBytes > 0 }
    package var unsentBytes: Int { tls?.unsentBytes ?? 0 }

    /// The memory of the bytes that TLS holds, or that the code on the peer's side of a virtual socket holds.
    package var heldBytes: Int {
        switch layer {
        case .none: 0
        case .tls(let session): session.heldBytes
        case .virtual(let socket): socket.heldBytes
        }
    }

    /// The records of TLS that the last read or write has processed, and the updates of TLS's keys among them. A record
    /// takes about 3 µs besides its bytes, and an update 30 µs.
    package var records: Int { tls?.recordsOfCall ?? 0 }
    package var keyUpdates: Int { tls?.keyUpdatesOfCall ?? 0 }

    /// Whether nothing is read until the kernel takes output that TLS holds.
    package var isClogged: Bool { tls?.isClogged ?? false }

    /// Writes the output that TLS holds, as far as the kernel takes it.
    ///
    /// - Returns: false if the connection is broken.
    package func sendRest() -> Bool { tls?.flush(to: number) ?? true }

    /// Writes three buffers as if they were one, without waiting, on a connection without TLS. Not all of them may be
    /// empty.
    package func tryWrite(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> WriteAttempt {
        if let virtual { return virtual.tryWrite(first, second, third) }
        return Socket.tryWrite(number, first, second, third)
    }

    /// The error number of a broken connection, as far as the kernel knows, even if the connection is not read from.
    /// Nil otherwise, also after the peer has finished writing.
    package var failure: Int32? {
        if let virtual { return virtual.isBroken ? VirtualSocket.reset : nil }
        return Socket.isBroken(number) ? Socket.pendingError(of: number) : nil
    }

    /// Whether the peer has finished writing, even if not everything has been read.
    package var hasInputEnded: Bool { virtual?.hasInputEnded ?? Socket.hasInputEnded(number) }

    /// Whether the peer's kernel has confirmed all output.
    package var isOutputConfirmed: Bool { !hasUnsentOutput && unconfirmedBytes == 0 }
    /// The bytes that the kernel has taken and the peer's kernel has not confirmed.
    package var unconfirmedBytes: Int { Socket.unconfirmedBytes(of: number) }

    /// Ends the output: the peer reads to the end. Reading is still possible.
    package func finishWriting() {
        if let virtual { return virtual.finishWriting() }
        if let tls { return tls.finishWriting(to: number) }
        _ = shutdown(number, Int32(SHUT_WR))
    }

    /// Closes the connection. The owner is not called any more.
    ///
    /// - Parameter discardsOutput: whether the kernel discards the output that the peer has not read.
    package mutating func close(discardingOutput discardsOutput: Bool = false) {
        if discardsOutput, virtual == nil { Socket.discardOutputOnClose(of: number) }
        // Without its TLS, whose unsent output would keep the socket watched.
        if case .tls = layer { layer = .none }
        watch(reading: false, writing: false)
        virtual?.close()
        number = -1
        descriptor = nil
    }
}
