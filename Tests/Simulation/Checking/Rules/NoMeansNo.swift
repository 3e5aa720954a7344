/// A send that did not happen (`TIMEOUT`, `CANCELLED`, `CLOSED`, `POISONED`, `ERR`, another arm of its select) is received
/// by nobody for good; the same for a message that its channel has dropped.
struct NoMeansNo: Rule {
    let name = "no means no"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.stories.compactMap { story in
            guard story.sends.allSatisfy({ isNo($0.outcome(in: ledger)) }),
                let receipt = story.receipts.first(where: { $0.isCommitted(in: ledger) })
            else { return nil }
            let answers = story.sends.map { "\(ledger.acts[$0.act].final.map { "\($0.reply)" } ?? "nothing")" }
            return "\(story.name) was received by act \(receipt.act), and its sender told \(answers)"
        }
    }

    private func isNo(_ outcome: SendView.Outcome) -> Bool {
        switch outcome {
        case .failed, .dropped: true
        case .done, .inDoubt: false
        }
    }
}
