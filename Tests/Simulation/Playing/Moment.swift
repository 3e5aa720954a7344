/// A point in a simulation: when it was, and its place among all that is observed.
struct Moment: Comparable, Sendable {
    let serial: Int
    /// In nanoseconds since the beginning.
    let time: UInt64

    static func < (first: Moment, second: Moment) -> Bool { first.serial < second.serial }
    static func == (first: Moment, second: Moment) -> Bool { first.serial == second.serial }
}
