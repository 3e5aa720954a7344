/// What the clients of a plan like to do, and how much.
struct Appetite {
    enum Taste: CaseIterable {
        case send, burst, receive, stream, select, barrier, cancel, manage, look, fault

        fileprivate var weight: Int {
            switch self {
            case .send: 30
            case .burst: 7
            case .receive: 24
            case .stream: 7
            case .select: 16
            case .barrier: 4
            case .cancel: 6
            case .manage: 4
            case .look: 3
            case .fault: 5
            }
        }

        /// In a crowd a fault of all, as a jump of the clock is, must be rare; and a report on thousands is as long as all
        /// other replies together.
        fileprivate var weightInCrowd: Int {
            switch self {
            case .send, .receive, .stream, .select, .barrier, .cancel, .manage: weight
            case .look, .burst: 0
            case .fault: 1
            }
        }

        /// Whether nothing happens without it.
        fileprivate var isNeeded: Bool {
            switch self {
            case .send, .receive: true
            case .burst, .stream, .select, .barrier, .cancel, .manage, .look, .fault: false
            }
        }
    }

    private(set) var usesLeases = true
    private(set) var usesIDs = true
    var usesBarriers: Bool { weights.contains { $0.taste == .barrier && $0.weight > 0 } }
    private var weights: [(taste: Taste, weight: Int)] = []

    /// Likes nothing.
    init() {}

    init(_ chance: inout Chance, isCrowd: Bool) {
        usesLeases = chance.happens(2, of: 3)
        usesIDs = chance.happens(1, of: 2)
        for taste in Taste.allCases {
            let isLiked = taste.isNeeded || chance.happens(3, of: 5)
            let weight = isCrowd ? taste.weightInCrowd : taste.weight
            weights.append((taste, isLiked ? weight * (1 + chance.below(3)) : 0))
        }
    }

    func choose(_ chance: inout Chance) -> Taste {
        var number = chance.below(weights.reduce(0) { $0 + $1.weight })
        for (taste, weight) in weights {
            if number < weight { return taste }
            number -= weight
        }
        return .send
    }
}
