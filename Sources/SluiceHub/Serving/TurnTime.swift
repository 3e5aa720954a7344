/// The time of a reactor's turn, which all kinds of its work share.
///
/// Without it, the limits of the kinds would add up when a reactor has work of all of them. No kind is left out: each has
/// its least time in every turn.
struct TurnTime {
    /// What a kind of work may take of a turn, in nanoseconds.
    struct Portion {
        /// As long as the turn has time left.
        let most: UInt64
        /// In any case.
        let least: UInt64
    }

    /// The time at which the turn should end. Nil until some work has looked at the clock.
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
