public import SluiceRuntime
import SluiceWire

extension RemoteChannel {
    /// Sends a message, and waits for its answer. The receiver answers with `answer` of its ``LeasedDelivery``.
    ///
    /// The receiver needs a lease. If it dies before it answers, the next receiver gets the message.
    ///
    /// ```swift
    /// let square = try await squares.call("7", timeout: .seconds(5), id: "square-7")
    /// print(square?.text ?? "no answer")
    /// ```
    ///
    /// - Parameters:
    ///   - bytes: the message.
    ///   - timeout: how long to wait; zero tries once, nil waits for ever. The time also runs while there is no connection.
    ///   - id: makes the call safe to repeat; see `send(_:timeout:id:delay:trace:)`. With an id, the client itself repeats the call when
    ///     the connection is lost, and a repeated call gets the same answer. An id must not be that of a send.
    ///   - trace: a word that comes with the message to its receiver, as in `send`.
    /// - Returns: nil when the message was taken without an answer: it was only acknowledged, or received without a lease.
    /// - Throws: as `send`. `.conflict`: a send has used the id. `.inDoubt`: a receiver may work on the message, or has answered it, and the answer did not come.
    public func call(
        _ bytes: [UInt8], timeout: Duration? = nil, id: String? = nil, trace: String? = nil
    ) async throws(SluiceError) -> Answer? {
        let command = SendCommand(
            channel: channelName, body: bytes, timeout: timeout, identity: try id.map(SendIdentity.init(checking:)),
            trace: try trace.map(TraceContext.init(checking:)), wantsAnswer: true)
        let reply = try await client.perform(.send(command)).0
        switch reply {
        case .data(let bytes, let attributes): return Answer(bytes, attributes)
        case .ok: return nil
        default: throw reply.error()
        }
    }

    /// Sends the bytes of a text, and waits for the answer; see `call(_:timeout:id:trace:)` for bytes.
    public func call(
        _ text: String, timeout: Duration? = nil, id: String? = nil, trace: String? = nil
    ) async throws(SluiceError) -> Answer? {
        try await call(Array(text.utf8), timeout: timeout, id: id, trace: trace)
    }
}

/// The answer to a call: bytes, which may be text or JSON.
public struct Answer: Sendable, Hashable {
    /// The bytes that the receiver has answered.
    public let bytes: [UInt8]
    /// Whether this is the answer to an earlier call with the same id.
    public let isDuplicate: Bool

    init(_ bytes: [UInt8], _ attributes: Attributes) {
        self.bytes = bytes
        isDuplicate = attributes.isDuplicate
    }

    /// The bytes as UTF-8 text. Invalid sequences are replaced.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Decodes a value that was answered as JSON.
    ///
    /// - Throws: `DecodingError` when the answer is not the JSON of such a value.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: bytes)
    }
}
