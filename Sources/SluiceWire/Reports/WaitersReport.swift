/// The answer to `WAITERS`.
public struct WaitersReport: Report, Hashable {
    /// Who waits, longest first.
    public var waiters: [WaiterReport]
    /// How many more there are.
    public var omitted: Int

    package init(waiters: [WaiterReport], omitted: Int = 0) {
        self.waiters = waiters
        self.omitted = omitted
    }

    /// For people.
    public var text: String {
        if waiters.isEmpty, omitted == 0 { return "nobody waits" }
        var table = TextTable(
            .text("CLIENT"), .text("LABEL"), .text("TAG"), .number("WAITED"), .number("LEFT"), .text("STATE"),
            .text("OPERATION"))
        for waiter in waiters {
            table.append(
                waiter.client, waiter.label, waiter.tag, String(readableSeconds: waiter.waitingSeconds),
                waiter.timeoutSeconds.map { String(readableSeconds: $0) }, waiter.state.rawValue, waiter.operationText)
        }
        return table.text(omitted: omitted)
    }
}
