/// The time of a reactor's turn, which all kinds of work share.
///
/// Otherwise, the times of all kinds of work would add up in a turn. Each kind has at least its least time in every
/// turn, so none is left out.
struct TurnTime {
    /// The time that a kind of work may take in a turn, in nanoseconds.
    struct Portion {
        /// The longest time, if the turn has enough time left.
        let most: UInt64
        /// The time that the work has even if the turn has no time left.
        let least: UInt64
    }

    /// The time at which the turn should end. Nil until some work has read the clock.
    private var end: UInt64?

    /// Returns when work that begins now must end.
    mutating func end(of portion: Portion, from now: UInt64) -> UInt64 {
        let end = end ?? now &+ Budget.timeOfTurn
        self.end = end
        return max(now &+ portion.least, min(now &+ portion.most, end))
    }

    /// Begins another turn.
    mutating func renew() { end = nil }
}
