import DequeModule
import SluiceRuntime
import SluiceWire

/// The identity under which connections share a part of the memory.
enum HolderName: Hashable, Sendable {
    /// The connections that have authenticated as a principal.
    case principal(ChannelName)
    /// The connections of an address, or of a user of this machine, that have not authenticated.
    case origin(ClientOrigin)
    /// The connections in the hub's process.
    case local
}

extension HolderName {
    init(_ origin: ClientOrigin?) {
        self = origin.map { .origin($0) } ?? .local
    }
}

/// The bytes that the connections of one principal or address use together. Alive while a record refers to it.
final class Holder: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let name: HolderName
    let account: Account
    /// What its connections may use together, if it is a principal whose limits differ from those of the hub.
    @exclusivity(unchecked) var limits = PrincipalLimits()
    /// The bytes charged to the holder.
    @exclusivity(unchecked) private(set) var used = 0
    /// The bytes of its clients' messages that channels keep.
    @exclusivity(unchecked) var keptBytes = 0
    /// The channels that its connections have declared, the oldest first.
    @exclusivity(unchecked) var declared = WaitQueue<UnownedChannel>()
    /// The `REDRIVE`s of its connections that take more than a slice. Only the first one is in the queue of unfinished
    /// work.
    @exclusivity(unchecked) var redrives: Deque<Redrive> = []
    /// The number of its connections.
    @exclusivity(unchecked) var connections = 0
    /// The number of traces of its connections.
    @exclusivity(unchecked) var tracers = 0

    init(_ name: HolderName, in account: Account) {
        self.name = name
        self.account = account
    }

    deinit { account.forget(self) }

    @inline(__always)
    func charge(_ bytes: Int) {
        used += bytes
        account.charge(bytes)
    }
}
