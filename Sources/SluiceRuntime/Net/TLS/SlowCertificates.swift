/// Recognizes certificates that OpenSSL parses slowly. OpenSSL parses all certificates of a peer before it verifies the first.
enum SlowCertificates {
    /// The most certificates that a peer may send. Chains have two to five.
    private static let most = 10

    /// DER encodings that only slow keys contain, each with what is wrong.
    private static let parts: [(text: [UInt8], problem: String)] = [
        // The kind of a curve's field, 1.2.840.10045.1. It is only in keys that describe their curve by its parameters, which
        // RFC 5480 forbids. OpenSSL computes with any curve: a certificate of 670 bytes took 300 ms.
        ([0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x01], "its key describes its curve instead of naming it"),
        // The curve P-224 and its copy in WTLS: the prime makes a compressed point take 1 ms.
        ([0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x21], "its key is on the curve P-224"),
        ([0x06, 0x05, 0x67, 0x2B, 0x01, 0x04, 0x0C], "its key is on the curve P-224"),
    ]

    /// Returns what is wrong with a message that contains certificates; nil if nothing is.
    ///
    /// - Parameters:
    ///   - message: the message with its header of 4 bytes; see RFC 8446, section 4.4.2, and RFC 5246, section 7.4.2.
    ///   - hasExtensions: whether it is a message of TLS 1.3.
    static func problem(of message: UnsafeMutableRawBufferPointer, hasExtensions: Bool) -> String? {
        if count(in: message, hasExtensions) > most { return "there are more than \(most) certificates" }
        let bytes = UnsafeRawBufferPointer(message)
        for (place, byte) in bytes.enumerated() where byte == 0x06 {
            for part in parts where bytes[place...].starts(with: part.text) { return part.problem }
        }
        return nil
    }

    /// Counts the certificates; in a malformed message, those before the fault.
    private static func count(in message: UnsafeMutableRawBufferPointer, _ hasExtensions: Bool) -> Int {
        func number(_ place: Int, bytes: Int) -> Int? {
            guard place + bytes <= message.count else { return nil }
            return message[place..<place + bytes].reduce(0) { $0 << 8 | Int($1) }
        }
        // Behind the header are the context of TLS 1.3, after its length, and the length of the list.
        var place = 4 + 3
        if hasExtensions { place += 1 + (number(4, bytes: 1) ?? 0) }
        var count = 0
        while let length = number(place, bytes: 3) {
            count += 1
            place += 3 + length
            if hasExtensions { place += 2 + (number(place, bytes: 2) ?? 0) }
        }
        return count
    }
}
