/// What to say of a word that is none of those that could stand there.
struct Spelling {
    /// What the words are, in the plural: "the keys are …".
    let subject: String
    let words: [String]

    /// Ends the sentence about an unknown word: with the known one that was probably meant, or with all of them.
    ///
    /// - Parameter hidden: words that may be meant, too, and are not listed.
    func suggestion(for unknown: String, or hidden: some Sequence<String> = []) -> String {
        let measured = (words + hidden).map { (word: $0, distance: Self.distance(from: unknown, to: $0)) }
        if let nearest = measured.min(by: { $0.distance < $1.distance }), nearest.distance <= 1.0 / 3 {
            return "did you mean \"\(nearest.word)\"?"
        }
        return "\(subject) are " + words.joined(separator: ", ")
    }

    /// How far a text is from a word, or from the word's part behind its last dot: 0 is equal, 1 has nothing in common.
    private static func distance(from text: String, to word: String) -> Double {
        [word, word.split(separator: ".").last.map(String.init) ?? word]
            .map { Double(text.difference(from: $0).count) / Double(max(text.count + $0.count, 1)) }
            .min() ?? 1
    }
}
