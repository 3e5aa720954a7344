import FoundationEssentials
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

/// Base64, as basic authentication and WebSockets use it.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> [UInt8] { Array(Data(bytes).base64EncodedData()) }

    /// Returns nil for a text that is not base64. The padding may be missing.
    static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)
        while digits.last == UInt8(ascii: "=") { digits.removeLast() }
        while !digits.count.isMultiple(of: 4) { digits.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(digits)).map(Array.init)
    }
}
