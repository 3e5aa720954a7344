import Glibc

/// A descriptor held back for the time when the process or the system has no more of them: letting go of it makes room
/// to accept a connection and refuse it. Otherwise that connection would stay in the queue and keep the loop busy.
struct ReserveDescriptor: ~Copyable {
    private var descriptor: Descriptor?

    init() { refill() }

    /// Holds a descriptor again; false when there is none to be had.
    @discardableResult
    mutating func refill() -> Bool {
        if descriptor != nil { return true }
        let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        if number >= 0 { descriptor = Descriptor(owning: number) }
        return number >= 0
    }

    /// Lets go of the descriptor while `body` runs.
    mutating func lend<Result>(_ body: () -> Result) -> Result {
        descriptor = nil
        defer { refill() }
        return body()
    }
}
