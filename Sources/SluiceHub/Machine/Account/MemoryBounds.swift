/// The bounds of an account, in bytes.
struct MemoryBounds: Sendable, Hashable {
    let whole: Int
    let holder: Int
    let connection: Int
    /// A connection that uses no more than this may use the reserves.
    let guaranteed: Int

    /// The most bytes of answers that are kept for a connection's calls.
    var answers: Int { connection / 4 }

    /// The part of the whole, and of a holder's share, that only connections with little use may take.
    var reserve: Int { whole / 8 }
    func reserve(ofHolder share: Int) -> Int { share / 8 }

    /// Returns the bytes that a holder may use while no more than the second half of a reserve for all holders is free.
    func guaranteedToHolder(ofReserve reserve: Int) -> Int { max(guaranteed, reserve / 64) }
}
