/// A word of the grammar packed into one integer, so that finding it among others is a few integer comparisons.
struct Keyword: Hashable, Sendable {
    static let maxBytes = 15

    /// The bytes of the word behind a one, which tells words from each other that differ in leading zeros only.
    private let packed: UInt128

    /// Nil if the word is longer than any keyword.
    init?(_ word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        packed = word.reduce(1) { $0 << 8 | UInt128($1) }
    }

    /// The keyword whatever the case of its letters. Nil if the word is longer than any keyword.
    init?(ignoringCase word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        packed = word.reduce(1) { $0 << 8 | UInt128($1.uppercased) }
    }

    /// The keyword of a spelling in the source.
    init(spelling: String) {
        precondition(spelling.utf8.count <= Self.maxBytes, "a keyword has at most fifteen bytes")
        packed = spelling.utf8.reduce(1) { $0 << 8 | UInt128($1) }
    }
}

/// The words of an enumeration whose raw values are spellings on the wire.
struct Vocabulary<Word: RawRepresentable<String> & CaseIterable & Sendable>: Sendable {
    private let entries: [(keyword: Keyword, word: Word)]

    init() {
        entries = Word.allCases.map { (Keyword(spelling: $0.rawValue), $0) }
    }

    /// The word that is spelled so, in exactly that case.
    func word(_ bytes: ByteView) -> Word? {
        find(Keyword(bytes))
    }

    /// The word that is spelled so, in any case, if its spelling in the source is in upper case.
    func word(ignoringCase bytes: ByteView) -> Word? {
        find(Keyword(ignoringCase: bytes))
    }

    private func find(_ keyword: Keyword?) -> Word? {
        guard let keyword else { return nil }
        for entry in entries where entry.keyword == keyword { return entry.word }
        return nil
    }
}
