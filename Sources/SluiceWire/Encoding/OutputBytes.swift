/// Appending to a buffer of output, without an allocation but its growth.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ name: ChannelName) {
        append(contentsOf: name.description.utf8)
    }

    mutating func append(_ tag: Tag) {
        append(.numberSign)
        append(contentsOf: tag.description.utf8)
    }

    /// Appends the decimal digits of a number that is not negative.
    mutating func append(decimal number: Int) {
        append(atMost: RoomWriter.mostDigits) { $0.put(decimal: number) }
    }

    /// Appends a text for people as a part of one line: controls and line separators become spaces, and what is longer
    /// than ``Limits/maxReasonBytes`` is cut at a whole character.
    mutating func append(sanitizing text: String) {
        guard text.utf8.count > Limits.maxReasonBytes || !text.utf8.allSatisfy({ $0.isVisible || $0 == .space })
        else {
            append(contentsOf: text.utf8)
            return
        }
        let end = count + Limits.maxReasonBytes
        for scalar in text.unicodeScalars {
            let printed = scalar.breaksLines ? " " : scalar
            guard count + UTF8.width(printed) <= end else { return }
            append(contentsOf: UTF8.encode(printed) ?? UTF8.encodedReplacementCharacter)
        }
    }
}

extension Unicode.Scalar {
    fileprivate var breaksLines: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
