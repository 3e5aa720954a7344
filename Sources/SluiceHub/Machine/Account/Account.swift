import SluiceWire

/// Counts the memory that all clients make the hub keep, and checks it against the bounds.
///
/// There are three levels: the connection (`ClientRecord`), its holder, and the whole. Every object is charged where it
/// is made, to the connection that made it, and discharged where it is freed. What is charged to a connection is also
/// charged to its holder and to the whole. An object that outlives its connection, such as a buffered message, keeps
/// the connection's record alive, and so stays charged to the holder.
final class Account: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// The bytes charged to all holders together.
    @exclusivity(unchecked) private(set) var used = 0
    /// While `used` is at most this number, no bound can be exceeded, whichever client is charged. Most commands
    /// compare only this.
    @exclusivity(unchecked) private var uncontended = 0
    @exclusivity(unchecked) private(set) var bounds: MemoryBounds
    /// The bytes, beyond the charged ones, in gaps of memory that clients have freed between objects that stay.
    @exclusivity(unchecked) private var lost = 0
    /// The principals whose limits may differ from those of other holders.
    @exclusivity(unchecked) private var principals: Principals?
    /// The least share of memory of such a principal.
    @exclusivity(unchecked) private var leastShare = Int.max
    /// The holders, which remove themselves when they are released.
    @exclusivity(unchecked) private var holders: [HolderName: Unowned] = [:]

    /// The holders that have left gaps, or that use enough memory to leave some.
    @exclusivity(unchecked) private var watched: [HolderName: Unowned] = [:]

    private struct Unowned {
        unowned(unsafe) let holder: Holder
    }

    init(_ bounds: MemoryBounds) {
        self.bounds = bounds
        adopt(bounds)
    }

    /// Replaces the bounds. Existing charges stay, even if they exceed the new bounds.
    func adopt(_ bounds: MemoryBounds) {
        self.bounds = bounds
        let leastShare = min(bounds.holder, leastShare)
        uncontended = min(
            bounds.connection, leastShare - bounds.reserve(ofHolder: leastShare) - lost,
            bounds.whole - bounds.reserve - lost)
    }

    /// The bytes that a process occupies without clients, and for everything that is not charged.
    private static let occupiedAnyway = 40 << 20

    /// Notes how many bytes of memory the objects of the process occupy, including the gaps between them. A charged
    /// byte may occupy one and a half bytes. Memory beyond that was freed in pieces that are too small for longer
    /// objects.
    ///
    /// These gaps count as memory of the holders that have freed the pieces, in proportion to what each has freed
    /// since the last measurement.
    func noteMemory(occupied bytes: Int) {
        let before = lost
        lost = max(0, (bytes - Self.occupiedAnyway) / 3 * 2 - used)
        for known in watched.values { known.holder.noteFreed() }
        let freed = watched.values.reduce(0) { $0 + $1.holder.freed }
        for known in watched.values {
            let holder = known.holder
            if lost < before {
                holder.gaps *= Double(lost) / Double(before)
            } else if freed > 0 {
                holder.gaps += Double(lost - before) * (holder.freed / freed)
            }
        }
        watched = watched.filter { !$0.value.holder.leavesNoGaps }
        adopt(bounds)
    }

    /// Includes a holder among those that may leave gaps. There are at most as many as there are MiB of memory, so a
    /// measurement does not take long.
    func watchGaps(of holder: Holder) { watched[holder.name] = Unowned(holder: holder) }

    /// Replaces the limits of the principals. Existing charges stay, even if they exceed the new limits.
    func adopt(_ principals: Principals?) {
        self.principals = principals
        leastShare = principals?.leastMemory ?? .max
        adopt(bounds)
        for known in holders.values { known.holder.limits = limits(of: known.holder.name) }
    }

    private func limits(of name: HolderName) -> PrincipalLimits {
        guard case .principal(let name) = name else { return PrincipalLimits() }
        return principals?[name]?.principal.limits ?? PrincipalLimits()
    }

    /// Returns the holder of that name, creating it if necessary.
    func holder(_ name: HolderName) -> Holder {
        if let known = holders[name] { return known.holder }
        let made = Holder(name, in: self)
        made.limits = limits(of: name)
        holders[name] = Unowned(holder: made)
        return made
    }

    /// Returns the number of connections of the holder of that name.
    func connections(of name: HolderName) -> Int { holders[name]?.holder.connections ?? 0 }

    @inline(__always)
    func charge(_ bytes: Int) { used += bytes }

    func forget(_ holder: Holder) {
        holders[holder.name] = nil
        watched[holder.name] = nil
    }

    /// Visits the holders, in no particular order.
    func forEachHolder(_ visit: (Holder) -> Void) {
        for known in holders.values { visit(known.holder) }
    }

    /// Returns the error if `bytes` more for a client would exceed a bound, or nil if they would not.
    ///
    /// - Parameter outlivesConnection: whether the object outlives the connection.
    @inline(__always)
    func refusal(of bytes: Int, for client: ClientRecord, outlivesConnection: Bool = false) -> WireError? {
        used + bytes <= uncontended ? nil : contendedRefusal(of: bytes, for: client, outlivesConnection)
    }

    @inline(never)
    private func contendedRefusal(of bytes: Int, for client: ClientRecord, _ outlivesConnection: Bool) -> WireError? {
        let holder = client.holder
        if client.charged + bytes > bounds.connection {
            return WireError(.limit, "a connection may use at most \(bounds.connection) bytes of memory")
        }
        // The last part of each share is reserved for connections that use little, so that others cannot use it up. But
        // many short connections that leave objects behind could use it up, one after the other. So half of a holder's
        // reserve is only for objects that end with their connection, and half of the reserve of the whole is only for
        // holders that use little.
        let isSmall = client.charged + bytes <= bounds.guaranteed
        let share = min(holder.limits.memory ?? bounds.holder, bounds.whole)
        let reserveOfShare = bounds.reserve(ofHolder: share)
        let holderReserve = isSmall ? (outlivesConnection ? reserveOfShare / 2 : 0) : reserveOfShare
        if holder.used + bytes > share - holderReserve {
            return WireError(
                .limit, "the connections of an address or principal may use at most \(share) bytes of memory")
        }
        let gaps = Int(holder.gaps)
        if gaps > 0, holder.used + gaps + bytes > share - holderReserve {
            return WireError(
                .limit,
                "the connections of an address or principal may use at most \(share) bytes of memory; \(gaps) bytes that they have freed are in pieces too small to use"
            )
        }
        let isHolderSmall = holder.used + bytes <= bounds.guaranteedToHolder(ofReserve: bounds.reserve)
        let reserve = isSmall ? (isHolderSmall ? 0 : bounds.reserve / 2) : bounds.reserve
        if used + bytes > bounds.whole - reserve {
            return WireError(.limit, "all clients together may use at most \(bounds.whole) bytes of memory")
        }
        if lost > 0, !isSmall, used + lost + bytes > bounds.whole - reserve {
            return WireError(
                .limit,
                "all clients together may use at most \(bounds.whole) bytes of memory; \(lost) are free only in small pieces"
            )
        }
        return nil
    }
}
