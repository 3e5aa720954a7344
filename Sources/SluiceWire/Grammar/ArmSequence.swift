/// The first word of an arm. For a new case the compiler asks for its parser.
enum ArmKind: String, CaseIterable {
    case receive = "RECV"
    case send = "SEND"
    case barrier = "BARRIER"
    case otherwise = "ELSE"

    static let vocabulary = Vocabulary<Self>()
}

/// The texts of a select's arms, which ` | ` separates.
///
/// A bar without a space on both sides is part of a text. A message that contains ` | ` has to be sent as a body.
struct ArmSequence: Sequence, IteratorProtocol {
    private let arms: ByteView

    /// Where the next arm begins. Beyond the end if no arm is left.
    private var position = 0

    init(_ arms: ByteView) {
        self.arms = arms
    }

    var isAtEnd: Bool { position > arms.count }

    mutating func next() -> ByteView? {
        guard !isAtEnd else { return nil }
        let end = separator(from: position) ?? arms.count
        defer { position = end + 3 }
        return arms[position..<end]
    }

    /// Finds the next ` | ` at `start` or after it.
    private func separator(from start: Int) -> Int? {
        var search = start
        while let bar = arms.firstIndex(of: .bar, from: search) {
            if bar > start, arms[bar - 1] == .space, bar + 1 < arms.count, arms[bar + 1] == .space { return bar - 1 }
            search = bar + 1
        }
        return nil
    }
}
