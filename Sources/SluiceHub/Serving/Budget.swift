/// How much of the hub's time a client gets before others have their turn.
///
/// Time is counted in steps, so that the same input always has the same effect, and no clock is read for each command.
/// A step is an operation that ends, a row that is visited, or anything else that takes up to a microsecond. Most
/// commands take one or two microseconds and count no steps: the size of a slice of input bounds them.
///
/// `HubLimits.turnSteps` is the number of steps of a connection's commands in a turn. After them, the rest of its input
/// waits for the next turn.
enum Budget {
    /// The steps of a report's first slice, which is taken when the command arrives.
    static let stepsOfFirstSlice = 250
    /// The steps of each other slice of a report.
    static let stepsOfSlice = 4000
    /// The slices of reports that a reactor takes in a turn, for all its connections together.
    static let slicesOfTurn = 2
    /// The steps that a reactor takes in a turn for clients that disconnect. Further clients wait for the next turn.
    static let stepsForLeaving = 2000
    /// The connections that a draining hub tries to close in a turn of each reactor.
    static let connectionsDrained = 100
    /// The steps of `INFO`, which asks the system for the memory used.
    static let stepsOfServerReport = 100
    /// The steps of `HELP`.
    static let stepsOfHelp = 20
}
