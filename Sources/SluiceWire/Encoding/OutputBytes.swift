/// Appending to a buffer of output. The only allocations are for the growth of the buffer.
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

    /// Appends the decimal digits of a number, which must not be negative.
    mutating func append(decimal number: Int) {
        append(atMost: BoundedWriter.mostDigits) { $0.put(decimal: number) }
    }

    /// Appends a text for people as part of a line; see ``BoundedWriter/put(sanitizing:)``.
    mutating func append(sanitizing text: String) {
        append(atMost: Limits.maxReasonBytes) { $0.put(sanitizing: text) }
    }
}

extension BoundedWriter {
    /// Puts a text for people as part of a line. Control characters and line separators become spaces, and a text
    /// longer than ``Limits/maxReasonBytes`` is cut at a whole character.
    mutating func put(sanitizing text: String) {
        guard text.utf8.count > Limits.maxReasonBytes || !text.utf8.allSatisfy({ $0.isVisible || $0 == .space })
        else { return put(text) }
        let end = count + Limits.maxReasonBytes
        for scalar in text.unicodeScalars {
            let printed = scalar.breaksLines ? " " : scalar
            guard count + UTF8.width(printed) <= end else { return }
            for byte in UTF8.encode(printed) ?? UTF8.encodedReplacementCharacter { put(byte) }
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
