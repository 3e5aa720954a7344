/// No receiver takes the message of a send that failed (`TIMEOUT`, `CANCELLED`, `CLOSED`, `POISONED`, `ERR`, or another arm
/// of its select was chosen), nor a message that its channel dropped.
struct FailedSendsAreNotReceived: Rule {
    let name = "failed sends are not received"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.compactMap { message in
            guard message.sends.allSatisfy({ isNo($0.outcome(in: ledger)) }),
                let receipt = message.receipts.first(where: { $0.isCommitted(in: ledger) })
            else { return nil }
            let answers = message.sends.map { ledger.exchanges[$0.exchange].final?.reply.summary ?? "nothing" }
            return
                "\(message.name) was received by t\(receipt.exchange), but its sender was told \(answers.joined(separator: ", "))"
        }
    }

    private func isNo(_ outcome: SendRecord.Outcome) -> Bool {
        switch outcome {
        case .failed, .dropped: true
        case .done, .inDoubt: false
        }
    }
}
