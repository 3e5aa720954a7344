import SluiceWire

/// The header `traceparent` of W3C Trace Context.
enum TraceParent {
    /// The number of bytes in version 00: the version, the trace id, the parent id and the flags.
    private static let byteCount = 55

    /// Returns the context of a request. Nil if the header is missing, malformed, or occurs twice: the specification
    /// asks to ignore such a header, and not the request.
    static func context(of head: RequestHead) -> TraceContext? {
        let values = head.headers.filter { $0.name == "traceparent" }
        guard values.count == 1, let value = values.first?.value, isValid(value) else { return nil }
        return TraceContext(value)
    }

    /// Whether a text is a valid header. A later version may have more fields, which are passed on unread.
    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= byteCount else { return false }
        func isHex(_ field: Range<Int>) -> Bool {
            bytes[field].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        }
        func isZero(_ field: Range<Int>) -> Bool { bytes[field].allSatisfy { $0 == 0x30 } }
        let (version, trace, parent, flags) = (0..<2, 3..<35, 36..<52, 53..<55)
        guard isHex(version), isHex(trace), isHex(parent), isHex(flags),
            [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            !bytes[version].elementsEqual("ff".utf8), !isZero(trace), !isZero(parent)
        else { return false }
        return bytes.count == byteCount || !isZero(version) && bytes[byteCount] == UInt8(ascii: "-")
    }
}
