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

    /// Spreads the last eight bytes over the low bits.
    var hash: Int {
        Int(truncatingIfNeeded: (UInt64(truncatingIfNeeded: packed) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// The keyword of a spelling in the source.
    init(spelling: String) {
        precondition(spelling.utf8.count <= Self.maxBytes, "a keyword has at most fifteen bytes")
        packed = spelling.utf8.reduce(1) { $0 << 8 | UInt128($1) }
    }
}

/// The words of an enumeration whose raw values are spellings on the wire.
struct Vocabulary<Word: RawRepresentable<String> & CaseIterable & Sendable>: Sendable {
    /// A hash table without deletions, probed slot by slot: at most half full, so that a probe ends.
    ///
    /// The verb of every line is looked up here: to compare it with the twenty-five one after the other takes a fifth
    /// more of the time of a `PING` with a text, and the more, the further down the verb stands.
    private let slots: [(keyword: Keyword, word: Word)?]

    init() {
        let words = Word.allCases.map { (keyword: Keyword(spelling: $0.rawValue), word: $0) }
        var slots: [(keyword: Keyword, word: Word)?] = [nil, nil]
        while slots.count < 2 * words.count { slots += slots }
        for entry in words {
            var slot = entry.keyword.hash & (slots.count - 1)
            while slots[slot] != nil { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = entry
        }
        self.slots = slots
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
        var slot = keyword.hash & (slots.count - 1)
        while let entry = slots[slot] {
            if entry.keyword == keyword { return entry.word }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }
}
