extension Collection<UInt8> {
    /// The bytes with escapes as in ``Swift/StringProtocol/escapedForTerminal(keepingBreaks:)``. Bytes that are not
    /// UTF-8 are replaced.
    package func escapedForTerminal(keepingBreaks breaks: Bool = false) -> [UInt8] {
        if allSatisfy({ (0x20...0x7E).contains($0) || breaks && ($0 == 0x0A || $0 == 0x09) }) { return Array(self) }
        return Array(String(decoding: self, as: UTF8.self).escapedForTerminal(keepingBreaks: breaks).utf8)
    }
}

extension StringProtocol {
    /// The text with an escape, such as `\u202e`, in place of each character that a terminal acts on instead of showing
    /// it: controls, and marks that change the direction of a line or are invisible.
    ///
    /// The result shows on a terminal what it contains. A text of JSON stays the same JSON.
    ///
    /// - Parameter breaks: whether line ends and tabs stay as they are, because the text has several lines.
    package func escapedForTerminal(keepingBreaks breaks: Bool = false) -> String {
        let needsEscape = { (scalar: Unicode.Scalar) in
            scalar.actsOnTerminal && !(breaks && (scalar == "\n" || scalar == "\t"))
        }
        guard unicodeScalars.contains(where: needsEscape) else { return String(self) }
        var text = ""
        for scalar in unicodeScalars {
            if needsEscape(scalar) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Whether a terminal, or an editor, acts on the character instead of showing it.
    package var actsOnTerminal: Bool {
        switch value {
        case 0x00...0x1F, 0x7F...0x9F: true  // controls
        case 0x061C, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true  // directions
        case 0x2028...0x2029: true  // line ends
        case 0x200B, 0x2060...0x2064, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE0FFF: true  // invisible
        default: false
        }
    }
}
