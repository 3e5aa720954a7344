#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Message {
    /// The value that was sent as JSON.
    ///
    /// - Throws: `DecodingError` when the message is none.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: bytes)
    }
}

extension RemoteChannel {
    /// Sends a value as JSON. See `send(_:timeout:id:)`.
    ///
    /// - Throws: `EncodingError`, and then nothing was sent.
    @discardableResult
    public func send(
        json value: some Encodable, timeout: Duration? = nil, id: String? = nil
    ) async throws -> SendReceipt {
        try await send(try JSON.encode(value), timeout: timeout, id: id)
    }
}

/// The only use of Foundation in the client.
enum JSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(value)) }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
