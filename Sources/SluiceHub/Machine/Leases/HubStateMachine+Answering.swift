import SluiceWire

/// Calls: sends whose receiver may answer when it acknowledges the message.
///
/// A call is offered, parked and withdrawn as any other send with `until=taken`.
extension HubStateMachine {
    /// Completes an offer that a receiver has acknowledged with an answer. Its callers get the answer, and if it has an
    /// id, the answer is kept for those that repeat the call.
    ///
    /// - Returns: whether the answer is of use to somebody.
    mutating func complete(_ offer: Offer, on channel: NamedChannel, answering answer: MessageBytes) -> Bool {
        guard offer.wantsAnswer else {
            complete(offer, on: channel)
            return false
        }
        freeSpace(of: offer, on: channel)
        guard let key = offer.key, memory.isPending(key, offer) else {
            guard let caller = offer.sender else { return false }
            end(caller.operation, answer: answer, CommonAttributes())
            return true
        }
        // The callers' replies refer to the same memory as the kept answer.
        let body = answer.body
        let kept = keep(body, for: offer.payer ?? unknownClient)
        memory.finish(key, as: .called(kept), by: offer.payer ?? unknownClient, at: now)
        guard let first = offer.sender else { return kept.body != nil }
        // Ending the operation removes the sender from the offer.
        end(first.operation, answer: .shared(body), CommonAttributes())
        if offer.sender != nil { endSenders(of: offer, OfferVerdict(answer: .shared(body), .duplicate)) }
        return true
    }

    /// Keeps an answer for repeated calls, if its client's share of the memory has space for it. Older answers of the
    /// client are forgotten for it.
    private mutating func keep(_ answer: Body, for client: ClientRecord) -> KeptAnswer {
        let bytes = KeptAnswer.charge(for: answer.count)
        while client.answerBytes + bytes > account.bounds.answers
            || account.refusal(of: bytes, for: client, outlivesConnection: true) != nil
        {
            guard client.forgetOldestAnswer() else { return KeptAnswer(nil, for: client) }
            steps += 1
        }
        return KeptAnswer(answer, for: client)
    }

    /// Returns the result of a call that repeats one that was taken.
    func repetition(of answer: KeptAnswer?) -> Attempt {
        guard let answer else { return .ok(.duplicate) }
        guard let body = answer.body else { return .done(.maybe("answer")) }
        return .done(.data(body, Attributes(.duplicate)))
    }

    /// Ends a parked call that has been answered.
    mutating func end(_ id: OperationID, answer: MessageBytes, _ attributes: CommonAttributes) {
        guard let operation = operations[id] else { return }
        steps += 1
        let isAnswered = isAnswered(operation)
        retire(operation, id, arm: nil)
        if !isAnswered { outbox.finish(operation, id, answer: answer, attributes) }
    }
}

extension Reply {
    /// The reply to an acknowledgement whose answer was dropped.
    static var unwantedAnswer: Reply {
        .ok(Attributes([Attribute(.answer, "unwanted")].compactMap { $0 }))
    }
}

extension WireError {
    /// An id belongs to the command that has used it first.
    static func idOfOtherCommand(isCall: Bool) -> WireError {
        let verb = isCall ? "CALL" : "SEND"
        return WireError(.conflict, "the id belongs to a \(verb); repeat it with \(verb)")
    }
}
