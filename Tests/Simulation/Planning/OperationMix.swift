/// How often the clients of a plan use each kind of operation.
struct OperationMix {
    enum Kind: CaseIterable {
        case send, burst, receive, countedReceive, select, barrier, cancel, manage, inspect, fault

        fileprivate var weight: Int {
            switch self {
            case .send: 30
            case .burst: 7
            case .receive: 24
            case .countedReceive: 7
            case .select: 16
            case .barrier: 4
            case .cancel: 6
            case .manage: 4
            case .inspect: 3
            case .fault: 5
            }
        }

        /// In a crowd, faults that affect all clients, such as a jump of the clock, must be rare. A report on thousands of
        /// clients is as long as all other replies together.
        fileprivate var weightInCrowd: Int {
            switch self {
            case .send, .receive, .countedReceive, .select, .barrier, .cancel, .manage: weight
            case .inspect, .burst: 0
            case .fault: 1
            }
        }

        /// Whether every plan uses the operation.
        fileprivate var isRequired: Bool {
            switch self {
            case .send, .receive: true
            case .burst, .countedReceive, .select, .barrier, .cancel, .manage, .inspect, .fault: false
            }
        }
    }

    var usesLeases = true
    /// Whether there is a channel with a failure policy.
    var usesPolicies = false
    private(set) var usesIDs = true
    private(set) var usesCalls = true
    var usesBarriers: Bool { weights.contains { $0.kind == .barrier && $0.weight > 0 } }
    private var weights: [(kind: Kind, weight: Int)] = []

    /// Creates a mix without operations.
    init() {}

    init(_ chance: inout Chance, isCrowd: Bool) {
        usesLeases = chance.happens(2, of: 3)
        usesIDs = chance.happens(1, of: 2)
        usesCalls = usesLeases && chance.happens(1, of: 2)
        for kind in Kind.allCases {
            let isUsed = kind.isRequired || chance.happens(3, of: 5)
            let weight = isCrowd ? kind.weightInCrowd : kind.weight
            weights.append((kind, isUsed ? weight * (1 + chance.below(3)) : 0))
        }
    }

    func choose(_ chance: inout Chance) -> Kind {
        var number = chance.below(weights.reduce(0) { $0 + $1.weight })
        for (kind, weight) in weights {
            if number < weight { return kind }
            number -= weight
        }
        return .send
    }
}
