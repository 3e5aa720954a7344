import DequeModule

/// Elements that wait for their turn. Holders take turns, and so do the elements of each holder. So a client that has many
/// elements does not make those of others wait longer than a single one would.
struct FairQueue<Element, Holder: Hashable> {
    // Not private: in debug builds, the compiler refers to the class from other files.
    final class Lane {
        let holder: Holder
        @exclusivity(unchecked) var elements: Deque<Element> = []
        /// The work that the holder may still use up in its turn; see `beginTurn`. Negative if it has used more.
        @exclusivity(unchecked) var allowance: Int64 = 0

        init(of holder: Holder) { self.holder = holder }
    }

    /// The holders with elements, and the one whose turn it is. The next one is the first.
    private var lanes: Deque<Lane> = []
    private var laneOfHolder: [Holder: Lane] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var holderCount: Int { lanes.count }

    func count(of holder: Holder) -> Int { laneOfHolder[holder]?.elements.count ?? 0 }

    func hasElements(of holder: Holder) -> Bool { laneOfHolder[holder] != nil }

    mutating func append(_ element: Element, of holder: Holder) {
        count += 1
        if let lane = laneOfHolder[holder] { return lane.elements.append(element) }
        let lane = Lane(of: holder)
        lane.elements.append(element)
        laneOfHolder[holder] = lane
        lanes.append(lane)
    }

    /// Returns an element to its place before the others of its holder. The other holders have their turns first.
    ///
    /// - Parameter holder: the one that `popFirst` returned with the element.
    mutating func putBack(_ element: Element, of holder: Holder) {
        guard let lane = laneOfHolder[holder] else { return append(element, of: holder) }
        count += 1
        lane.elements.prepend(element)
    }

    mutating func popFirst() -> (element: Element, holder: Holder)? {
        guard let lane = lanes.first, let element = lane.elements.popFirst() else { return nil }
        count -= 1
        endTurn()
        return (element, lane.holder)
    }

    // MARK: Turns of several elements

    /// Begins a turn of the next holder, which may take elements until it has used up its allowance.
    ///
    /// - Parameters:
    ///   - amount: the work that is added to the holder's allowance.
    ///   - ignoresExcess: whether to forget what the holder has used beyond its allowance in earlier turns.
    /// - Returns: false if the allowance is still used up. Then the other holders have their turns first.
    mutating func beginTurn(allowing amount: UInt64, ignoringExcess ignoresExcess: Bool) -> Bool {
        guard let lane = lanes.first else { return false }
        lane.allowance = ignoresExcess ? Int64(amount) : lane.allowance + Int64(amount)
        if lane.allowance > 0 { return true }
        endTurn()
        return false
    }

    /// Takes the next element of the holder whose turn it is. Nil if the holder has no elements, or has used up its
    /// allowance.
    mutating func popInTurn() -> Element? {
        guard let lane = lanes.first, lane.allowance > 0, let element = lane.elements.popFirst() else { return nil }
        count -= 1
        return element
    }

    /// Subtracts work from the allowance of the holder whose turn it is.
    func spend(_ amount: UInt64) { lanes.first?.allowance -= Int64(amount) }

    /// Ends the current turn. What is left of the allowance is lost. A holder without elements is forgotten, with what it
    /// has used beyond its allowance.
    mutating func endTurn() {
        guard let lane = lanes.popFirst() else { return }
        lane.allowance = min(lane.allowance, 0)
        if lane.elements.isEmpty { laneOfHolder[lane.holder] = nil } else { lanes.append(lane) }
    }
}
