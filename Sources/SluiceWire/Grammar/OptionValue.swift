/// The values of options, each with the refusal of what it cannot be.
extension ByteView {
    /// How long something may take, or waits.
    func delay() throws(WireError) -> Duration {
        guard let duration else {
            throw WireError(.badNumber, "a duration is 0, or a whole number and ms, s, m or h, up to 100 years")
        }
        return duration
    }

    /// How long a message may be held: never no time at all, in which nobody could acknowledge it.
    func lease() throws(WireError) -> Duration {
        guard let duration, duration > .zero else {
            throw WireError(.badNumber, "a lease is a whole number and ms, s, m or h, at least 1ms, up to 100 years")
        }
        return duration
    }

    func number(atLeast minimum: Int = 0, or refusal: String) throws(WireError) -> Int {
        guard let number = wholeNumber, number >= minimum else { throw WireError(.badNumber, refusal) }
        return number
    }

    func receiveCount() throws(WireError) -> ReceiveCount {
        if self == "*" { return .endless }
        return .exactly(try number(atLeast: 1, or: "count= is a whole number, at least 1, or *"))
    }

    func messageID() throws(WireError) -> MessageID {
        guard let id = MessageID(self) else {
            throw WireError(.badName, "an id is 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
        }
        return id
    }

    func word<Word>(of vocabulary: Vocabulary<Word>, or refusal: String) throws(WireError) -> Word {
        guard let word = vocabulary.word(self) else { throw WireError(.badOption, refusal) }
        return word
    }
}
