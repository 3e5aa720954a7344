public import SluiceRuntime
import SluiceWire
import Synchronization

/// The client whose command a reactor runs, for a thread that finds the reactor blocked.
///
/// The reactor publishes the client and the verb with one store, and never waits. Reading does not take the hub's lock,
/// which the running command holds.
public final class ClientActivity: Sendable {
    /// A command that runs.
    public struct RunningCommand: Sendable, Hashable {
        /// The client's address.
        public let address: String
        /// The principal that the client has authenticated as. Nil if it has not.
        public let principal: String?
        /// The verb of the command. Nil if the client has sent none, or the hub still parses it.
        public let command: String?
    }

    private let share: ReactorShare
    private let names: ClientNames

    init(_ share: ReactorShare, _ names: ClientNames) {
        self.share = share
        self.names = names
    }

    /// The running command. Nil if the reactor runs none. May be read on any thread.
    public var current: RunningCommand? {
        let word = share.running.load(ordering: .acquiring)
        guard let (slot, verb) = ReactorShare.runningClient(word), let name = names[slot],
            share.running.load(ordering: .acquiring) == word
        else { return nil }
        return RunningCommand(
            address: name.address, principal: name.principal?.description, command: verb?.rawValue)
    }
}

extension ReactorShare {
    /// The value of `running` while no command runs.
    static let noClient = UInt64.max

    /// Publishes that a command of a client runs.
    @inline(__always)
    func begin(_ client: ConnectionID, _ verb: Verb?) {
        let code = verb.map { UInt64($0.code) + 1 } ?? 0
        running.store(code << 32 | UInt64(UInt32(bitPattern: client.slot)), ordering: .relaxed)
    }

    /// Publishes that no command runs.
    @inline(__always)
    func end() { running.store(Self.noClient, ordering: .relaxed) }

    /// Returns the slot of the client that a value of `running` stands for, and the verb.
    fileprivate static func runningClient(_ word: UInt64) -> (slot: Int, verb: Verb?)? {
        if word == noClient { return nil }
        let code = UInt8(truncatingIfNeeded: word >> 32)
        return (Int(word & 0xFFFF_FFFF), code == 0 ? nil : Verb(code: code - 1))
    }
}

/// The addresses and principals of the remote clients of a hub, behind a lock that is only held for a moment.
final class ClientNames: Sendable {
    struct Name: Sendable {
        let address: String
        var principal: ChannelName?
    }

    /// By the slots of the connections' keys.
    private let names = Lock<ContiguousArray<Name?>>([])

    subscript(slot: Int) -> Name? { names.withLock { $0.indices.contains(slot) ? $0[slot] : nil } }

    func insert(_ address: String, for client: ConnectionID) {
        names.withLock { names in
            while Int(client.slot) >= names.count { names.append(nil) }
            names[Int(client.slot)] = Name(address: address)
        }
    }

    func authenticate(_ client: ConnectionID, as principal: ChannelName) {
        names.withLock { $0[Int(client.slot)]?.principal = principal }
    }

    func remove(_ client: ConnectionID) {
        names.withLock { $0[Int(client.slot)] = nil }
    }
}

extension Verb {
    /// The byte that stands for the verb in memory. Finding the place among `allCases` for each command would take
    /// longer.
    fileprivate var code: UInt8 { unsafeBitCast(self, to: UInt8.self) }

    /// - Parameter code: the `code` of a verb.
    fileprivate init(code: UInt8) { self = unsafeBitCast(code, to: Self.self) }
}

extension Hub {
    /// Returns what `reactor` publishes about the commands of its clients.
    public func activity(of reactor: Reactor) -> ClientActivity { ClientActivity(share(of: reactor), names) }
}
