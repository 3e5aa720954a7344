/// What came over a channel: bytes, which may be a text or JSON.
public struct Message: Sendable, Hashable {
    /// What was sent.
    public let bytes: [UInt8]
    /// How often the message was handed out, this time included. Always 1 without a lease; more than 1 says that another
    /// receiver had it, and may have done some of the work.
    public let attempt: Int

    init(_ bytes: [UInt8], attempt: Int = 1) {
        self.bytes = bytes
        self.attempt = attempt
    }

    /// The bytes as UTF-8; what is none is replaced.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}
