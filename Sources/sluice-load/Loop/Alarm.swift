import CLibev
import Glibc

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
