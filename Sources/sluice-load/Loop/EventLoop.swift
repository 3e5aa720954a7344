import CLibev
import Glibc

/// One libev loop on one thread, with its connections.
///
/// The loop calls connections directly: their bytes go to `receive`, and what that appends to their output is written
/// once a turn. The generator shares the machine with the server that it measures, so a turn costs little more than its
/// system calls.
final class EventLoop {
    /// How often a turn comes without events, so that deadlines are noticed.
    private static let tickSeconds = 0.005
    private static let scratchBytes = 256 * 1024

    let loop: OpaquePointer
    /// The buffer for reads, whose content no connection keeps.
    let scratch: UnsafeMutableRawBufferPointer
    private let ticker: UnsafeMutablePointer<ev_timer>
    private let alarm: Alarm

    // Every event touches these, on one thread.
    /// When the current event was read: the clock is read once for each read of a socket.
    @exclusivity(unchecked) private(set) var now = MonotonicClock.nowNanoseconds
    @exclusivity(unchecked) private var unflushed: [Unmanaged<LoadConnection>] = []
    @exclusivity(unchecked) private var failure: LoadFailure?

    init() throws(LoadFailure) {
        guard let loop = ev_loop_new(UInt32(EVFLAG_NOENV)) else {
            throw LoadFailure(system: errno, "libev cannot create a loop")
        }
        self.loop = loop
        scratch = .allocate(byteCount: Self.scratchBytes, alignment: 64)
        alarm = try Alarm(on: loop)
        ticker = .allocate(capacity: 1)
        clibev_timer_init(ticker, { _, _, _ in }, Self.tickSeconds, Self.tickSeconds)
        ev_timer_start(loop, ticker)
    }

    deinit {
        ev_timer_stop(loop, ticker)
        alarm.stop()
        ev_loop_destroy(loop)
        ticker.deallocate()
        scratch.deallocate()
    }

    /// Runs turns until `isDone`, which is called at the start of each turn, returns true.
    func run(until isDone: () throws(LoadFailure) -> Bool) throws(LoadFailure) {
        while true {
            readClock()
            if try isDone() { return }
            flush()
            if failure == nil { ev_run(loop, Int32(EVRUN_ONCE)) }
            if let failure { throw failure }
        }
    }

    /// Writes the output of all connections that have any.
    func flush() {
        for connection in unflushed { connection._withUnsafeGuaranteedRef { $0.flush() } }
        unflushed.removeAll(keepingCapacity: true)
    }

    func readClock() { now = MonotonicClock.nowNanoseconds }

    /// Starts a turn at that time, to the microsecond.
    func wake(at time: Int) { alarm.set(time) }

    /// Writes the connection's output at the end of the turn.
    func queue(_ connection: LoadConnection) { unflushed.append(.passUnretained(connection)) }

    func forget(_ connection: LoadConnection) {
        unflushed.removeAll { $0.toOpaque() == Unmanaged.passUnretained(connection).toOpaque() }
    }

    /// Ends `run`, which throws the first failure.
    func fail(_ failure: LoadFailure) {
        if self.failure == nil { self.failure = failure }
        ev_break(loop, Int32(EVBREAK_ALL))
    }
}

/// A timer that ends a loop's wait at a given time. libev's own timers are up to a millisecond late, which an open loop
/// would count as latency of the server.
final class Alarm {
    private let loop: OpaquePointer
    private let descriptor: Int32
    private let watcher: UnsafeMutablePointer<ev_io>
    private var time = 0

    init(on loop: OpaquePointer) throws(LoadFailure) {
        self.loop = loop
        descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        guard descriptor >= 0 else { throw LoadFailure(system: errno, "cannot make a timer") }
        watcher = .allocate(capacity: 1)
        let ring: @convention(c) (OpaquePointer?, UnsafeMutablePointer<ev_io>?, Int32) -> Void = { _, watcher, _ in
            var count: UInt64 = 0
            if let watcher { read(watcher.pointee.fd, &count, MemoryLayout<UInt64>.size) }
        }
        clibev_io_init(watcher, ring, descriptor, Int32(EV_READ))
        ev_io_start(loop, watcher)
    }

    deinit {
        close(descriptor)
        watcher.deallocate()
    }

    /// Must be called before the loop is destroyed.
    func stop() { ev_io_stop(loop, watcher) }

    /// - Parameter time: on the monotonic clock, in nanoseconds.
    func set(_ time: Int) {
        guard time != self.time else { return }
        self.time = time
        var wanted = itimerspec()
        wanted.it_value = timespec(tv_sec: time / 1_000_000_000, tv_nsec: time % 1_000_000_000)
        // 1 is TFD_TIMER_ABSTIME.
        withUnsafePointer(to: &wanted) { _ = timerfd_settime(descriptor, 1, $0, nil) }
    }
}
