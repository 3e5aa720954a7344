/// How much of the hub's time a client gets before others have their turn.
///
/// Time is counted in steps, so that the same input always has the same effect, and no clock is read for each command.
/// A step is an operation that ends, a row that is visited, or anything else that takes up to a microsecond. Most
/// commands take one or two microseconds and count no steps: the size of a slice of input bounds them.
///
/// `HubLimits.turnSteps` is the number of steps of a connection's commands in a turn. After them, the rest of its input
/// waits for the next turn.
enum Budget {
    /// The connections of a reactor together get this many times the steps of one connection in a turn. When these are
    /// used up, all input but short input waits.
    static let connectionsOfTurn = 5
    /// Input up to this many bytes does not wait for that of other connections.
    static let shortInput = 256
    /// The most bytes of a body that are read at a time while input of other connections waits.
    static let bodyReadWhenCrowded = 64 << 10
    /// Short input may exceed the steps of a turn by this many. After that, it waits too.
    static let stepsBeyondTurn = 500
    /// Input that waits may take the steps of the next turn, divided by this number, in advance. While some of it is
    /// left, other input gets the steps of a turn divided by `divisorBesideWaiting`.
    static let divisorInAdvance = 2
    static let divisorBesideWaiting = 4
    /// If very many holders wait, each runs this many bytes of commands, or one command, before the others have their
    /// turn. Short input is no longer then, so that a holder whose input waits is not overtaken by more.
    static let shortestInput = 32
    /// The steps of its commands, and the commands that it withdraws when its input ends, are no fewer than this.
    static let leastStepsOfTurn = 4
    /// A connection with a short turn writes after this many bytes of replies, because a write takes longer than the
    /// turn.
    static let outputOfShortTurns = 64
    /// The time of a turn of a reactor, in nanoseconds. When it is over, each remaining kind of work has only its least
    /// time.
    static let timeOfTurn: UInt64 = 5_000_000
    /// The time for the input of a reactor's connections in a turn, while none waits and while some does.
    /// The clock is read once for `stepsBetweenLooks` steps, for work that takes longer than its steps say, because the
    /// processor's cache does not hold what it needs.
    static let timeOfInput = TurnTime.Portion(most: 4_000_000, least: 1_000_000)
    static let timeOfCrowdedInput = TurnTime.Portion(most: 2_000_000, least: 1_000_000)
    static let stepsBetweenLooks = 128
    /// The steps of an event that the hub reports for the log.
    static let stepsOfEvent = 2
    /// A connection with more pending commands than this waits with short input too.
    static let fewPending = 64
    /// The most pending commands that are withdrawn at once when the input of a connection ends.
    static let withdrawnAtOnce = 256
    /// The pending commands that are withdrawn in each turn if there are more.
    static let withdrawnInTurn = 128
    /// The time for `Hub.visitConnections(_:)`, which calls all connections because some may have to end.
    static let timeOfVisits = TurnTime.Portion(most: 1_000_000, least: 300_000)
    /// Input and output of a connection up to this many bytes are charged, but never refused: a client that has used up
    /// its share can still send the commands that free memory, and read that others were refused.
    static let unrefusedBytes = 16 << 10
    /// The bytes that a reactor writes in a turn. After them, a connection with more than `shortOutput` waits for the
    /// next turn.
    static let bytesWritten = 2 << 20
    static let shortOutput = 16 << 10
    /// The writes in a turn of which the kernel takes nothing. After these, other writable connections pause
    /// without a try.
    static let emptyWrites = 128
    /// The steps that a piece of input takes from those of the reactor, besides one for each `inputBytesPerStep` bytes.
    static let stepsOfInput = 4
    static let inputBytesPerStep = 8
    /// The steps of a record of TLS, and of an update of TLS's keys.
    static let stepsOfRecord = 3
    static let stepsOfKeyUpdate = 30
    /// The steps of the end of a connection with TLS.
    static let stepsOfTLSEnd = 20
    /// The steps of a refused line. It is often short, so that its bytes alone would count too little.
    static let stepsOfRefusal = 2

    /// The bytes of a body that is stored which count as a step.
    static let bodyBytesPerStep = 512

    /// The steps for the bytes of a piece of input.
    ///
    /// - Parameter bodyBytes: the bytes that were stored in a body.
    static func steps(ofBytes bytes: Int, bodyBytes: Int) -> Int {
        // Input of many commands ends its turn after 16 KiB; what is longer is mostly a body.
        let commandBytes = min(bytes - bodyBytes, 16 << 10)
        return commandBytes / inputBytesPerStep + (bytes - commandBytes) / bodyBytesPerStep
    }

    /// The steps of a report's first slice, which is taken when the command arrives.
    static let stepsOfFirstSlice = 250
    /// The steps of each other slice of a report.
    static let stepsOfSlice = 2000
    /// The slices of reports that a reactor takes in a turn, for all its connections together.
    static let slicesOfTurn = 4
    /// The time after which no further slice begins in a turn.
    static let timeOfReports = TurnTime.Portion(most: 2_000_000, least: 300_000)
    /// The least time in a turn for the connections of doors and the hub's work for them, in nanoseconds. It is enough for
    /// one or two requests. The loop polls between two turns, so clients of the line protocol wait little longer.
    static let timeOfDoors: UInt64 = 20_000
    /// In a long turn, doors have the time since the last poll divided by this, at most `longestTimeOfDoors` nanoseconds. If
    /// many holders wait, they have turns until `longestTimeOfDoors` is over.
    static let divisorForDoors: UInt64 = 4
    static let longestTimeOfDoors: UInt64 = 1_000_000
    /// The most holders that are skipped in a row because they have exceeded their time. Then the next one has its turn in
    /// any case.
    static let mostHoldersSkipped = 1000
    /// The steps that a reactor takes in a turn for clients that disconnect. Further clients wait for the next turn.
    static let stepsForDisconnecting = 1000
    /// The time for the connections that a reactor calls at the end of a turn, and the number of them, a power of two,
    /// after which the clock is read. Further connections wait for the next turn.
    static let timeOfCalls = TurnTime.Portion(most: 2_000_000, least: 1_000_000)
    static let connectionsBetweenLooks = 32
    /// The time for admitting connections that another thread has accepted.
    static let timeOfNewcomers = TurnTime.Portion(most: 500_000, least: 300_000)
    /// The connections that a draining hub tries to close in a turn of each reactor.
    static let connectionsDrained = 100
    /// The reports that a draining hub gives to a connection, and to all connections of a holder on a reactor.
    static let reportsWhileDraining = 8
    static let reportsOfHolderWhileDraining = 256
    /// The steps of `INFO`, which asks the system for the memory used.
    static let stepsOfServerReport = 100
    /// The steps of `AUTH`, which computes the digest of a token.
    static let stepsOfAuthentication = 15
    /// The steps of `HELP`.
    static let stepsOfHelp = 20
}
