#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import SluiceWire

/// A message that was received from a channel: bytes, which may be text or JSON.
public struct Message: Sendable, Hashable {
    /// The bytes that were sent.
    public let bytes: [UInt8]
    /// How often the message has been handed out, including this time. Without a lease this is always 1. More than 1 means
    /// that another receiver had the message, and may have done some of the work.
    public let attempt: Int
    /// The word that the sender has given the message, such as a W3C `traceparent`. Nil if there is none.
    public let trace: String?

    init(_ bytes: [UInt8], _ attributes: Attributes = Attributes()) {
        self.bytes = bytes
        attempt = max(Int(attributes.attempt), 1)
        trace = attributes.trace?.description
    }

    /// The bytes as UTF-8 text. Invalid sequences are replaced.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Decodes a value that was sent as JSON.
    ///
    /// - Throws: `DecodingError` when the message is not the JSON of such a value.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: bytes)
    }
}

extension Message: CustomStringConvertible {
    /// The text, if the bytes are valid UTF-8 without control characters; else their number and the first ones.
    public var description: String {
        let isText = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 }
        if isText, let text = String(validating: bytes, as: UTF8.self) { return text }
        let first = bytes.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        return "\(bytes.count) bytes: \(first)\(bytes.count > 16 ? " …" : "")"
    }
}

extension LeasedDelivery: CustomStringConvertible {
    /// The message.
    public var description: String { message.description }
}

extension RemoteChannel {
    /// Sends a value as JSON; see `send(_:timeout:id:delay:trace:)`.
    ///
    /// - Throws: `EncodingError`, and then nothing was sent.
    @discardableResult
    public func send(
        json value: some Encodable, timeout: Duration? = nil, id: String? = nil, trace: String? = nil
    ) async throws -> SendReceipt {
        try await send(try JSON.encode(value), timeout: timeout, id: id, trace: trace)
    }
}

/// The only use of Foundation in the client.
enum JSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(value)) }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
