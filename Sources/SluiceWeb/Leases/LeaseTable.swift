import SluiceRuntime
import Synchronization

/// The leases of HTTP clients by their tokens. May be used on any thread.
final class LeaseTable: Sendable {
    private let leases = Lock<[String: HeldLease]>([:])

    /// Returns a token that nobody can guess: 128 random bits.
    static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in (generator.next() as UInt64).hexDigits }.joined()
    }

    subscript(_ token: String) -> HeldLease? {
        get { leases.withLock { $0[token] } }
    }

    func insert(_ lease: HeldLease, for token: String) { leases.withLock { $0[token] = lease } }
    func remove(_ token: String) { _ = leases.withLock { $0.removeValue(forKey: token) } }
}
