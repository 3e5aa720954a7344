/// A word of the grammar packed into one integer, so that a lookup takes a few integer comparisons.
struct Keyword: Hashable, Sendable {
    static let maxBytes = 15

    /// The bytes of the word after a leading 1, which distinguishes words that differ only in leading zero bytes.
    private let packed: UInt128

    /// Returns nil if the word is longer than any keyword.
    init?(_ word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        packed = word.reduce(1) { $0 << 8 | UInt128($1) }
    }

    /// Folds letters to upper case. Returns nil if the word is longer than any keyword.
    init?(ignoringCase word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        packed = word.reduce(1) { $0 << 8 | UInt128($1.uppercased) }
    }

    /// Mixes the last eight bytes into the low bits.
    var hash: Int {
        Int(truncatingIfNeeded: (UInt64(truncatingIfNeeded: packed) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// Creates a keyword from a spelling in the source.
    init(spelling: String) {
        precondition(spelling.utf8.count <= Self.maxBytes, "a keyword must have at most fifteen bytes")
        packed = spelling.utf8.reduce(1) { $0 << 8 | UInt128($1) }
    }
}

/// The words of an enumeration whose raw values are their spellings on the wire.
struct Vocabulary<Word: RawRepresentable<String> & CaseIterable & Sendable>: Sendable {
    /// A hash table with linear probing and without deletions. It is at most half full, so every probe ends.
    ///
    /// The verb of every line is looked up here. Comparing it with the twenty-five verbs one by one makes a `PING` with
    /// a text 20 % slower, and other verbs by more the later they stand in the list.
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

    /// Finds the word with this spelling, in exactly this case.
    func word(_ bytes: ByteView) -> Word? {
        find(Keyword(bytes))
    }

    /// Finds the word with this spelling in any case. Spellings in the source must be in upper case.
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
