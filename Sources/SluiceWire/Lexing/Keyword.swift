/// A word of the grammar packed into two integers, so that a lookup takes a few integer comparisons.
struct Keyword: Hashable, Sendable {
    static let maxBytes = 15

    /// The first eight bytes or, if the word is shorter, all of it. `last` holds the last eight bytes of a longer word.
    private let first: UInt64
    private let last: UInt64
    private let count: Int

    /// Returns nil if the word is longer than any keyword.
    init?(_ word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        count = word.count
        first = word.word(at: 0)
        last = count > 8 ? word.word(at: count - 8) : 0
    }

    /// Folds letters to upper case. Returns nil if the word is longer than any keyword.
    init?(ignoringCase word: ByteView) {
        guard word.count <= Self.maxBytes else { return nil }
        count = word.count
        first = word.word(at: 0).uppercasedBytes
        last = count > 8 ? word.word(at: count - 8).uppercasedBytes : 0
    }

    /// Mixes the bytes into the low bits.
    var hash: Int {
        Int(truncatingIfNeeded: ((first ^ last &* 31 ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// Creates a keyword from a spelling in the source.
    init(spelling: String) {
        var text = spelling
        let keyword = text.withUTF8 { Keyword(ByteView(UnsafeRawBufferPointer($0))) }
        guard let keyword else { preconditionFailure("a keyword must have at most fifteen bytes") }
        self = keyword
    }
}

extension UInt64 {
    /// Returns the eight bytes with lower-case letters turned into upper case.
    fileprivate var uppercasedBytes: UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let ones: UInt64 = 0x0101_0101_0101_0101
        // In each byte, the highest bit says whether the byte is at least `a`, or above `z`.
        let isFromA = (self & low) &+ ones &* UInt64(0x80 - UInt8(ascii: "a"))
        let isAboveZ = (self & low) &+ ones &* UInt64(0x7F - UInt8(ascii: "z"))
        return self ^ ((isFromA & ~isAboveZ & ~self & ~low) >> 2)
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
