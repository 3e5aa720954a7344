/// Every green task of a reactor waits on a channel, and nothing can wake one.
public struct Deadlock: Error, CustomStringConvertible {
    /// One line a task: its name and what it waits on, in the order in which the tasks were started.
    public let tasks: [String]

    init(of records: [TaskRecord]) {
        tasks = records.reversed().map(\.report)
    }

    /// The report: a line that says what has happened, and a line for each task.
    public var description: String {
        """
        deadlock: all \(tasks.count) tasks wait, and nothing can wake them \
        (if something outside the reactor can, see Reactor.hold)
        """ + tasks.map { "\n  task \($0)" }.joined()
    }
}
