import CLibev
import Glibc

/// One libev loop on one thread, with the connections that live on it.
///
/// It calls, and never suspends: a connection's bytes go to its `receive`, what that appends to the output is written
/// once a turn. The generator shares the machine with what it measures, so a turn costs little more than its system
/// calls.
final class EventLoop {
    /// How often a turn comes although nothing has happened: the time in which a deadline is noticed.
    private static let tickSeconds = 0.005
    private static let scratchBytes = 256 * 1024

    let loop: OpaquePointer
    /// Where bytes are read into that no connection has to keep.
    let scratch: UnsafeMutableRawBufferPointer
    private let ticker: UnsafeMutablePointer<ev_timer>
    private let alarm: Alarm

    // Each event touches these, on one thread.
    /// The time at which the events of now were read, which is one look at the clock for each read.
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

    /// Takes turns until `isDone`, which each turn begins with.
    func run(until isDone: () throws(LoadFailure) -> Bool) throws(LoadFailure) {
        while true {
            readClock()
            if try isDone() { return }
            flush()
            if failure == nil { ev_run(loop, Int32(EVRUN_ONCE)) }
            if let failure { throw failure }
        }
    }

    /// Writes what connections have to say, and takes no turn.
    func flush() {
        for connection in unflushed { connection._withUnsafeGuaranteedRef { $0.flush() } }
        unflushed.removeAll(keepingCapacity: true)
    }

    func readClock() { now = MonotonicClock.nowNanoseconds }

    /// Has a turn begin at that time, to the microsecond.
    func wake(at time: Int) { alarm.set(time) }

    /// Has the connection's output written at the end of the turn.
    func queue(_ connection: LoadConnection) { unflushed.append(.passUnretained(connection)) }

    func forget(_ connection: LoadConnection) {
        unflushed.removeAll { $0.toOpaque() == Unmanaged.passUnretained(connection).toOpaque() }
    }

    /// Ends `run` with the first failure.
    func fail(_ failure: LoadFailure) {
        if self.failure == nil { self.failure = failure }
        ev_break(loop, Int32(EVBREAK_ALL))
    }
}

/// Ends a loop's wait at a moment. libev's own timers end it up to a millisecond later, which an open loop would count as
/// the server's.
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

    /// To be called before the loop is gone.
    func stop() { ev_io_stop(loop, watcher) }

    /// - Parameter time: by the monotonic clock, in nanoseconds.
    func set(_ time: Int) {
        guard time != self.time else { return }
        self.time = time
        var wanted = itimerspec()
        wanted.it_value = timespec(tv_sec: time / 1_000_000_000, tv_nsec: time % 1_000_000_000)
        // 1: the time is absolute.
        withUnsafePointer(to: &wanted) { _ = timerfd_settime(descriptor, 1, $0, nil) }
    }
}
