/// Spells any text with visible ASCII characters: other bytes, and `%` itself, are written as `%` and two hexadecimal
/// digits. So is `=`, which ends the key of an attribute.
package enum PercentEncoding {
    package static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte.isVisible, byte != percent, byte != .equals {
                bytes.append(byte)
            } else {
                bytes += [percent, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the text that `encode` has spelled. A percent sign without two digits stands for itself.
    package static func decode(_ text: String) -> String {
        let spelled = Array(text.utf8)
        var bytes: [UInt8] = []
        var next = 0
        while next < spelled.count {
            if spelled[next] == percent, next + 2 < spelled.count, let high = digit(spelled[next + 1]),
                let low = digit(spelled[next + 2])
            {
                bytes.append(high << 4 | low)
                next += 3
            } else {
                bytes.append(spelled[next])
                next += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let percent = UInt8(ascii: "%")

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
