import SluiceWire

/// Each receiver of a message gets the trace context that its sender gave it, and none with a message that has none.
struct TracesStayWithMessages: Rule {
    let name = "traces stay with messages"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.flatMap { message -> [String] in
            // Several sends with an id may give different contexts.
            guard !message.hasID, let send = message.sends.first else { return [] }
            let trace = ledger.exchanges[send.exchange].trace
            return message.receipts.filter { $0.trace != trace }.map {
                "\(message.name) was received by t\($0.exchange) with the trace \($0.trace?.description ?? "-") "
                    + "instead of \(trace?.description ?? "-")"
            }
        }
    }
}
