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

/// Identifies a holder by its name.
///
/// A holder ends with its last connection, and another one begins with the next connection of the same name. Work in
/// a queue may last longer. The address of the holder's object cannot identify it: the address can belong to another
/// holder while work of the first one is still queued. An identity for each object would give a client a turn for each
/// connection.
package struct HolderID: Hashable, Sendable {
    /// A hash of 64 bits, keyed with a secret of this process, so that nobody can make two names have the same one.
    package let number: Int

    init(_ name: HolderName) { number = name.hashValue }
}

/// The bytes that the connections of one principal or address use together. Alive while a record refers to it.
final class Holder: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let name: HolderName
    let id: HolderID
    let account: Account
    /// What its connections may use together, if it is a principal whose limits differ from those of the hub.
    @exclusivity(unchecked) var limits = PrincipalLimits()
    /// The bytes charged to the holder.
    @exclusivity(unchecked) private(set) var used = 0
    /// The holder's part of the bytes in gaps, by what it has freed; see `Account.noteMemory`.
    @exclusivity(unchecked) var gaps = 0.0
    /// The bytes that the holder has freed of late.
    @exclusivity(unchecked) private(set) var freed = 0.0
    /// The most bytes charged since the last measurement, within an eighth. Of interest only above `leastNoted`.
    @exclusivity(unchecked) private var peak = 0
    /// The number of bytes above which `peak` is to be raised.
    @exclusivity(unchecked) private var limitOfPeak = Holder.leastNoted
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
        id = HolderID(name)
        self.account = account
    }

    deinit { account.forget(self) }

    @inline(__always)
    func charge(_ bytes: Int) {
        used += bytes
        account.charge(bytes)
        if used > limitOfPeak { notePeak() }
    }

    // MARK: Gaps

    /// A holder that has used less has left no gaps that matter.
    private static let leastNoted = 1 << 20

    @inline(never)
    private func notePeak() {
        peak = used
        limitOfPeak = used + used / 8
        account.watchGaps(of: self)
    }

    /// Notes how much the holder has freed since the last measurement. Half of what it freed before that counts still,
    /// because an object of it may be freed a little later than it is discharged.
    func noteFreed() {
        freed = freed / 2 + Double(max(0, peak - used))
        peak = used
        limitOfPeak = max(used + used / 8, Self.leastNoted)
    }

    /// Whether the holder has no gaps, and cannot leave any until it uses more memory.
    var leavesNoGaps: Bool { gaps < 1 && freed < Double(Self.leastNoted) && used < Self.leastNoted }
}
