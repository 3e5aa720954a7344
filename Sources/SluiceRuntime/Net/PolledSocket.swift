import CLibev
import Glibc

/// Whoever is called, on the reactor's thread, when something can be done with a ``PolledSocket``.
package protocol SocketObserver: AnyObject {
    /// A read would not block. Called once a turn of the loop for as long as that is so and reading is of interest.
    func socketIsReadable()
    /// A write would not block. Called once for each time that interest was shown in it.
    func socketIsWritable()
    /// The kernel does not watch the socket, or has no memory to: nothing more will be told of it.
    func socketIsUnwatchable()
}

/// A connection without a task: its owner is called when there is something to do, and nothing waits in between.
///
/// For servers of very many connections that say little. A parked task takes 1.5 KB, more than all else that an idle
/// connection needs; here it is the 80 bytes that libev needs to find the owner. Belongs to the reactor's thread; the
/// owner keeps the reactor alive, and lets go of the socket on its thread.
package struct PolledSocket: ~Copyable {
    /// What libev is given; where it is stays the same.
    private struct Registration {
        var watcher = ev_io()
        unowned(unsafe) let reactor: Reactor
        unowned(unsafe) let observer: any SocketObserver
    }

    /// Nil until it is opened.
    private var registration: UnsafeMutablePointer<Registration>?
    private var descriptor: Descriptor?
    /// The descriptor's number; -1, which no system call accepts, while there is none.
    private var number: Int32 = -1
    /// What there is in place of a descriptor in a simulation; nil everywhere else.
    private var virtual: VirtualSocket?
    /// Whether the owner is told when it can read, and when it can write.
    package private(set) var watchesReading = false
    package private(set) var watchesWriting = false

    /// Without a connection.
    package init() {}

    /// Takes over a connected, non-blocking socket, once; watches nothing yet.
    ///
    /// - Parameter observer: the owner of this value, which is not kept alive by it.
    package mutating func open(
        _ descriptor: consuming Descriptor, on reactor: Reactor, tells observer: any SocketObserver
    ) {
        precondition(registration == nil, "a socket is opened once")
        let registration = UnsafeMutablePointer<Registration>.allocate(capacity: 1)
        registration.initialize(to: Registration(reactor: reactor, observer: observer))
        self.registration = registration
        number = descriptor.number
        self.descriptor = consume descriptor
    }

    /// Takes over a socket that the kernel does not know.
    package mutating func open(_ virtual: VirtualSocket, tells observer: any SocketObserver) {
        self.virtual = virtual
        virtual.attach(observer)
    }

    deinit {
        stopWatching()
        registration?.deinitialize(count: 1)
        registration?.deallocate()
    }

    package var isOpen: Bool { number >= 0 || virtual?.isClosed == false }

    // MARK: Watching

    /// Has the owner told when it can read, or write, and of nothing else.
    ///
    /// libev tells the kernel when it polls, and only about what differs then.
    package mutating func watch(reading: Bool, writing: Bool) {
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
        watcher.pointee.data = UnsafeMutableRawPointer(registration)
        ev_io_start(registration.pointee.reactor.loop, watcher)
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
        ev_io_stop(registration.pointee.reactor.loop, Self.watcher(of: registration))
    }

    private static func happened(_ watcher: UnsafeMutablePointer<ev_io>?, _ events: Int32) {
        guard let data = watcher?.pointee.data else { return }
        let registration = data.assumingMemoryBound(to: Registration.self)
        registration.pointee.reactor.isReady(SocketEvent(observer: registration.pointee.observer, events: events))
    }

    // MARK: Transfer

    /// Reads without waiting; `buffer` must not be empty.
    package func tryRead(into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        if let virtual { return virtual.tryRead(into: buffer) }
        return Socket.tryRead(number, into: buffer)
    }

    /// Writes without waiting; `bytes` must not be empty.
    package func tryWrite(_ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        if let virtual { return virtual.tryWrite(bytes) }
        return Socket.tryWrite(number, bytes)
    }

    /// Writes three pieces as if they followed each other, without waiting; not all of them may be empty.
    package func tryWrite(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> WriteAttempt {
        if let virtual { return virtual.tryWrite(first, second, third) }
        return Socket.tryWrite(number, first, second, third)
    }

    /// The error number of what has broken the connection off, as far as the kernel knows: also while it is not read from.
    /// Nil while it works, as after the peer has finished writing.
    package var failure: Int32? {
        if let virtual { return virtual.isBroken ? VirtualSocket.reset : nil }
        return Socket.isBroken(number) ? Socket.pendingError(of: number) : nil
    }

    /// Whether the peer has finished writing: also while what it has written is not read.
    package var hasInputEnded: Bool { virtual?.hasInputEnded ?? Socket.hasInputEnded(number) }

    /// Tells the peer that nothing more will be written. Reading goes on.
    package func finishWriting() {
        if let virtual { return virtual.finishWriting() }
        _ = shutdown(number, Int32(SHUT_WR))
    }

    /// Closes the connection; nothing more is told of it.
    package mutating func close() {
        watch(reading: false, writing: false)
        virtual?.close()
        number = -1
        descriptor = nil
    }
}

/// That something can be done with a socket, on its way to the owner.
struct SocketEvent {
    let observer: any SocketObserver
    let events: Int32

    func tell() {
        if events & Int32(EV_ERROR) != 0 { return observer.socketIsUnwatchable() }
        if events & Int32(EV_READ) != 0 { observer.socketIsReadable() }
        if events & Int32(EV_WRITE) != 0 { observer.socketIsWritable() }
    }
}
