/// The key of an option. A new one is a new case: the compiler then asks where its value is read.
enum OptionKey: String, CaseIterable {
    case timeout = "TIMEOUT"
    case length = "LEN"
    case eof = "EOF"
    case order = "ORDER"

    static let vocabulary = Vocabulary<Self>()
}

/// The options of a command or of an arm.
struct Options {
    private(set) var timeout: Duration?
    private(set) var length: Int?
    private(set) var order: SelectOrder?
    private(set) var waitsAfterEOF = false

    /// Takes every option that stands at the front of `words`.
    ///
    /// - Parameter allowed: the keys that have a meaning here; looked at only if there is an option.
    init(_ words: inout Words, allowing allowed: @autoclosure () -> [OptionKey] = []) throws(WireError) {
        while let (word, value) = words.option() {
            guard let key = OptionKey.vocabulary.word(ignoringCase: word), allowed().contains(key) else {
                throw WireError(.badOption, "no such option here")
            }
            guard !isSet(key) else { throw WireError(.badOption, "an option stands twice") }
            try read(value, of: key)
        }
    }

    private func isSet(_ key: OptionKey) -> Bool {
        switch key {
        case .timeout: timeout != nil
        case .length: length != nil
        case .eof: waitsAfterEOF
        case .order: order != nil
        }
    }

    private mutating func read(_ value: ByteView, of key: OptionKey) throws(WireError) {
        switch key {
        case .timeout:
            guard let duration = value.duration else {
                throw WireError(.badNumber, "a duration is 0, or a whole number and ms, s, m or h, up to 100 years")
            }
            timeout = duration
        case .length:
            guard let number = value.wholeNumber else { throw .unknowableBodies }
            length = number
        case .eof:
            guard value == "wait" else { throw WireError(.badOption, "eof= is wait") }
            waitsAfterEOF = true
        case .order:
            guard let order = SelectOrder.vocabulary.word(value) else {
                throw WireError(.badOption, "order= is fair, first or random")
            }
            self.order = order
        }
    }
}

extension WireError {
    /// Nobody can tell how many bytes to skip: what follows might be read as commands.
    static let unknowableBodies = WireError(.framing, "the line does not tell for certain how long its bodies are")
}
