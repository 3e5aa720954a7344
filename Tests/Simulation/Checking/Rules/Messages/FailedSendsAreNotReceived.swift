/// No receiver takes the message of a send that failed (`TIMEOUT`, `CANCELLED`, `CLOSED`, `POISONED`, `REJECTED`, `ERR`, or another arm
/// of its select was chosen), nor a message that its channel dropped.
struct FailedSendsAreNotReceived: Rule {
    let name = "failed sends are not received"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.compactMap { message in
            guard message.sends.allSatisfy({ isNo($0.outcome(in: ledger)) }),
                let receipt = message.receipts.first(where: {
                    $0.isCommitted(in: ledger) && isUnexpected($0, message, ledger)
                })
            else { return nil }
            let answers = message.sends.map { ledger.exchanges[$0.exchange].final?.reply.summary ?? "nothing" }
            return
                "\(message.name) was received by t\(receipt.exchange), but its sender was told \(answers.joined(separator: ", "))"
        }
    }

    /// Returns whether the message may not be received: one that was rejected goes to a dead channel, and may come back.
    private func isUnexpected(_ receipt: Receipt, _ message: MessageRecord, _ ledger: Ledger) -> Bool {
        let isRejected = message.sends.contains { if case .rejected = $0.outcome(in: ledger) { true } else { false } }
        return !isRejected || !receipt.isDead && !ledger.hasRedrives
    }

    private func isNo(_ outcome: SendRecord.Outcome) -> Bool {
        switch outcome {
        case .failed, .dropped, .rejected: true
        case .done, .inDoubt: false
        }
    }
}
