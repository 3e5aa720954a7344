/// What makes a select of an API take one of its arms.
package enum ArmTrigger: Sendable {
    /// An operation on a channel or a barrier can happen.
    case operation(Arm)
    /// No other arm was taken for this long.
    case timeout(Duration)
    /// No other arm is ready.
    case otherwise
}

/// Turns the arms of a select, as an API takes them, into a command, and finds the arm that was taken. Arms are numbered by
/// their place in the API's list.
package struct SelectPlan: Sendable {
    package let command: SelectCommand
    /// The number of each arm of the command.
    private let operations: [Int]
    private let otherwise: Int?
    private let timeout: Int?

    /// - Parameter order: the API's order, whose values have the same names as those of `SelectCommand.Order`.
    package init(_ triggers: [ArmTrigger], order: some RawRepresentable<String>) {
        var arms: [Arm] = []
        var operations: [Int] = []
        var otherwise: Int?
        var timeout: (duration: Duration, number: Int)?
        for (number, trigger) in triggers.enumerated() {
            switch trigger {
            case .operation(let arm):
                arms.append(arm)
                operations.append(number)
            case .timeout(let duration):
                if timeout.map({ duration < $0.duration }) ?? true { timeout = (duration, number) }
            case .otherwise: otherwise = otherwise ?? number
            }
        }
        self.operations = operations
        self.otherwise = otherwise
        self.timeout = timeout?.number
        command = SelectCommand(
            arms: arms, hasElse: otherwise != nil, order: SelectCommand.Order(rawValue: order.rawValue) ?? .fair,
            timeout: otherwise == nil ? timeout?.duration : nil)
    }

    /// Returns the number of the arm that a reply says was taken, or whose channel has ended; nil when there is none.
    package func taken(by reply: Reply) -> Int? {
        switch reply {
        case .otherwise: otherwise
        case .timeout: timeout
        default: reply.place(among: command.arms).map { operations[$0] }
        }
    }
}
