/// Collects the arms of a select among named channels: in a row, behind `if` and `switch`, and from `for`.
@resultBuilder
public enum ArmListBuilder<Arm> {
    /// One arm.
    public static func buildExpression(_ arm: Arm) -> [Arm] { [arm] }
    /// Arms that are made elsewhere, such as by `map`.
    public static func buildExpression(_ arms: [Arm]) -> [Arm] { arms }
    /// Arms in a row.
    public static func buildBlock(_ arms: [Arm]...) -> [Arm] { arms.flatMap(\.self) }
    /// Arms behind an `if`.
    public static func buildOptional(_ arms: [Arm]?) -> [Arm] { arms ?? [] }
    /// Arms of an `if` or a `switch`.
    public static func buildEither(first arms: [Arm]) -> [Arm] { arms }
    /// Arms of an `else` or a `switch`.
    public static func buildEither(second arms: [Arm]) -> [Arm] { arms }
    /// Arms from a `for`.
    public static func buildArray(_ arms: [[Arm]]) -> [Arm] { arms.flatMap(\.self) }
}
