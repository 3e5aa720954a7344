import COpenSSL

/// The SHA-256 digest of a token. A server keeps it instead of the token.
package struct TokenDigest: Sendable, Hashable, CustomStringConvertible {
    /// Four words, because comparing them takes the same time wherever they differ.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Computes the digest of a token.
    package init(of token: some Collection<UInt8>) {
        let bytes = Array(token)
        var digest = [UInt8](repeating: 0, count: 32)
        SHA256(bytes, bytes.count, &digest)
        self.init(digest)
    }

    /// Reads a digest that is written as `sha256:` and 64 hexadecimal digits. Returns nil if the text is anything else.
    package init?(_ text: String) {
        let digits = Array(text.utf8.dropFirst(Self.prefix.utf8.count))
        guard text.hasPrefix(Self.prefix), digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: 64, by: 2) {
            guard let high = digits[place].hexDigit, let low = digits[place + 1].hexDigit else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes)
    }

    private init(_ bytes: [UInt8]) {
        let words = (0..<4).map { word in bytes[8 * word..<8 * word + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.words = (words[0], words[1], words[2], words[3])
    }

    private static let prefix = "sha256:"

    /// The digest as `init(_:)` reads it.
    package var description: String {
        Self.prefix + [words.0, words.1, words.2, words.3].map(\.hexDigits).joined()
    }

    /// The bits in which two digests differ. Computing them takes the same time for all digests.
    private func difference(to other: TokenDigest) -> UInt64 {
        words.0 ^ other.words.0 | words.1 ^ other.words.1 | words.2 ^ other.words.2 | words.3 ^ other.words.3
    }

    /// Compares two digests. The time that this takes does not depend on where they differ.
    package static func == (left: TokenDigest, right: TokenDigest) -> Bool { left.difference(to: right) == 0 }

    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

    /// Returns a new token that nobody can guess: 256 random bits, in characters that need no quotes anywhere.
    package static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        // 43 characters of six bits each.
        return "sluice-" + String((0..<43).map { _ in alphabet[Int.random(in: 0..<64, using: &generator)] })
    }
}
