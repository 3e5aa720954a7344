import SluiceWire

/// The credentials of a request: `Authorization: Bearer PRINCIPAL:TOKEN`, or basic authentication with the same two.
enum HTTPCredentials {
    /// Returns nil for a request without credentials.
    ///
    /// - Throws: ``Refusal`` for credentials that are malformed.
    static func of(_ head: RequestHead) throws(Refusal) -> Credentials? {
        guard let header = head["authorization"] else { return nil }
        let words = header.split(separator: " ", maxSplits: 1).map { String($0).trimmed }
        let pair: [UInt8]? =
            switch words.count == 2 ? words[0].lowercased() : "" {
            case "bearer": Array(words[1].utf8)
            case "basic": Base64.decode(words[1])
            default: nil
            }
        guard let pair, let colon = pair.firstIndex(of: UInt8(ascii: ":")),
            let principal = ChannelName(String(decoding: pair[..<colon], as: UTF8.self)), colon + 1 < pair.count,
            pair[(colon + 1)...].allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
            throw Refusal(.unauthorized, "write Authorization: Bearer PRINCIPAL:TOKEN, or use basic authentication")
        }
        return Credentials(principal, token: Array(pair[(colon + 1)...]))
    }
}

/// Base64, as basic authentication uses it.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? digits[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }

    /// Returns nil for a text that is not base64. The padding may be missing.
    static func decode(_ text: String) -> [UInt8]? {
        var digits = text.utf8[...]
        while digits.last == UInt8(ascii: "=") { digits = digits.dropLast() }
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            bits = (bits << 6 | value) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return count == 6 ? nil : bytes
    }

    private static func value(of digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
