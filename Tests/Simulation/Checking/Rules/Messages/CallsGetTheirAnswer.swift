import SluiceWire

/// A call is answered with the answer of the acknowledgement that has ended its message, and with no other. Calls of the
/// same message get the same answer. A call gets `OK` only if its message was taken without an answer.
///
/// A message under a lease says whether an answer is wanted. An acknowledgement is told that its answer was dropped if and
/// only if nobody gets it.
struct CallsGetTheirAnswer: Rule {
    let name = "calls get their answer"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.flatMap { message in
            breachesOfReplies(to: message, ledger) + breachesOfReceipts(of: message, ledger)
        }
    }

    // MARK: Callers

    private func breachesOfReplies(to message: MessageRecord, _ ledger: Ledger) -> [String] {
        let settlings = message.receipts.compactMap(\.delivery).flatMap { ledger.settlings[$0] ?? [] }
        let accepted = settlings.filter { $0.isDone && $0.isAcknowledgement }
        let possible = settlings.filter { $0.isAcknowledgement && ($0.isDone || $0.final == nil) }
        var breaches: [String] = []
        var answers: Set<Body> = []
        for call in message.calls(in: ledger) {
            switch call.final?.reply {
            case .data(let answer, _)?:
                answers.insert(answer)
                let isGiven = possible.contains { $0.answer == answer && $0.sent < ledger.end(of: call) }
                if !isGiven { breaches.append("\(message.name) was answered with what its receiver has not answered") }
            case .ok?:
                if accepted.contains(where: { $0.answer != nil }) {
                    breaches.append("\(message.name) was answered by its receiver, but its caller got OK")
                }
            case .maybe("answer")?: breaches.append("the answer to \(message.name) was not kept")
            default: break
            }
        }
        if answers.count > 1 { breaches.append("\(message.name) has \(answers.count) different answers") }
        return breaches
    }

    // MARK: Receivers

    private func breachesOfReceipts(of message: MessageRecord, _ ledger: Ledger) -> [String] {
        let calls = message.calls(in: ledger)
        var breaches: [String] = []
        // A dead letter is no call, and neither is one that was sent back.
        for receipt in message.receipts where !receipt.isDead && !ledger.hasRedrives {
            guard let delivery = receipt.delivery else {
                if receipt.isCall { breaches.append("\(message.name) wants an answer without a lease") }
                continue
            }
            if receipt.isCall, calls.isEmpty { breaches.append("\(message.name) wants an answer, but is no call") }
            if !receipt.isCall, calls.count == message.sends.count {
                breaches.append("\(message.name) does not say that an answer is wanted")
            }
            for settling in ledger.settlings[delivery] ?? [] {
                guard case .ok(let attributes)? = settling.final?.reply else { continue }
                let isUnwanted = attributes.contains { $0.key == .answer }
                guard let answer = settling.answer else {
                    if isUnwanted { breaches.append("\(delivery) has no answer, but was told that it is unwanted") }
                    continue
                }
                let isHeard = calls.contains { if case .data(answer, _)? = $0.final?.reply { true } else { false } }
                let mayBeHeard = isHeard || message.hasID || calls.contains { $0.final == nil }
                if isUnwanted, isHeard || (message.hasID && receipt.isCall) {
                    breaches.append("the answer to \(message.name) was called unwanted")
                }
                if !isUnwanted, !settling.repliesOnlyToFailure, !receipt.isCall || !mayBeHeard {
                    breaches.append("the answer to \(message.name) was accepted, but nobody gets it")
                }
            }
        }
        return breaches
    }
}

extension MessageRecord {
    /// The calls among the sends of the message.
    fileprivate func calls(in ledger: Ledger) -> [Exchange] {
        sends.map { ledger.exchanges[$0.exchange] }.filter {
            if case .send(let command)? = $0.command { command.wantsAnswer } else { false }
        }
    }
}

extension Exchange {
    /// The answer of an acknowledgement. Nil if it has none.
    fileprivate var answer: Body? {
        if case .acknowledge(let command)? = command { command.answer?.body } else { nil }
    }
}
