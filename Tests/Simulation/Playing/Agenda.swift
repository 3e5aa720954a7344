import SluiceRuntime
import SluiceWire

/// What will happen in a simulation, by time; of two things at the same time, what was put down first.
struct Agenda: ~Copyable {
    enum Entry {
        case step(Step)
        case arrival(Line, [UInt8])
        case arrivalOfEnd(Line)
        /// The client takes replies.
        case taking(Line)
        case reaction(Line, Command)
    }

    private var entries = IndexedHeap<Entry>()

    var nextTime: UInt64? { entries.leastPriority }

    mutating func put(_ entry: Entry, at time: UInt64) {
        _ = entries.insert(entry, at: time)
    }

    mutating func next(at time: UInt64) -> Entry? { entries.popFirst(upTo: time) }
}
