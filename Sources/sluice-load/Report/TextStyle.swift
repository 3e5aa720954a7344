import SluiceWire

extension TargetOutcome.Verdict {
    var style: TextStyle {
        switch self {
        case .met: .good
        case .missed: .bad
        case .unmeasured: .strong
        }
    }
}

extension String {
    /// The text with control characters replaced, since names come from servers and from the command line.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory.isControl ? "?" : $0 }))
    }

    /// Breaks the text at spaces into lines of at most `width` characters. A longer word has a line of its own.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        for word in split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isControl: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
