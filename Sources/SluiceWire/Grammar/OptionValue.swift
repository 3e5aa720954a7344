/// Parsers for the values of options. Errors name the option.
extension ByteView {
    /// Parses a time limit or a delay.
    func duration(of key: String) throws(WireError) -> Duration {
        guard let duration else {
            throw WireError(
                .badNumber, "\(key)= must be 0, or a whole number with ms, s, m or h, and at most 100 years")
        }
        return duration
    }

    /// Parses the duration of a lease. Zero is not allowed, because no receiver could acknowledge the message in time.
    func lease() throws(WireError) -> Duration {
        guard let duration, duration > .zero else {
            throw WireError(
                .badNumber, "lease= must be a whole number with ms, s, m or h, at least 1ms and at most 100 years")
        }
        return duration
    }

    func number(of key: String, atLeast minimum: Int = 0) throws(WireError) -> Int {
        guard let number = wholeNumber, number >= minimum else {
            throw WireError(
                .badNumber, "\(key)= must be a whole number" + (minimum > 0 ? " of at least \(minimum)" : ""))
        }
        return number
    }

    func receiveCount() throws(WireError) -> ReceiveCount {
        if self == "*" { return .endless }
        guard let number = wholeNumber, number >= 1 else {
            throw WireError(.badNumber, "count= must be a whole number of at least 1, or *")
        }
        return .exactly(number)
    }

    func messageID() throws(WireError) -> MessageID {
        guard let id = MessageID(self) else {
            throw WireError(.badName, "id= must be 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
        }
        return id
    }

    func traceContext() throws(WireError) -> TraceContext {
        guard let context = TraceContext(self) else {
            throw WireError(
                .badOption,
                "trace= must be 1 to \(Limits.maxTraceBytes) visible ASCII characters, such as a traceparent")
        }
        return context
    }

    func word<Word>(of vocabulary: Vocabulary<Word>, orError text: String) throws(WireError) -> Word {
        guard let word = vocabulary.word(self) else { throw WireError(.badOption, text) }
        return word
    }
}
