/// The bytes of a message, either borrowed from the input or owned.
///
/// A message that a waiting receiver takes is copied once, from the input to the output. Only a message that is queued
/// or kept is copied into memory of its own.
@usableFromInline
package enum MessageBytes: @unchecked Sendable {
    // `Sendable` because borrowed bytes are valid and do not change during the call that received the input. Code that
    // keeps a message beyond the call stores it as `owned`.

    /// Bytes of the input, valid during the call that received the input.
    case borrowed(UnsafeRawBufferPointer)
    /// Bytes in memory of their own.
    case owned(Body)
    /// Bytes in memory of their own, which several receivers get. The replies to them refer to that memory instead of
    /// copying it.
    case shared(Body)

    /// No bytes. Nothing is released when they are replaced.
    static var nothing: MessageBytes { .borrowed(UnsafeRawBufferPointer(start: nil, count: 0)) }

    /// The number of bytes.
    @inlinable package var count: Int {
        switch self {
        case .borrowed(let bytes): bytes.count
        case .owned(let body), .shared(let body): body.count
        }
    }

    /// The bytes in memory of their own. Copies borrowed bytes.
    package var body: Body {
        switch self {
        case .borrowed(let bytes): Body(bytes)
        case .owned(let body), .shared(let body): body
        }
    }

    /// Calls `use` with the bytes.
    package func withUnsafeBytes<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .borrowed(let bytes): use(bytes)
        case .owned(let body), .shared(let body): body.withUnsafeBytes(use)
        }
    }
}

extension MessageBytes: Hashable {
    @usableFromInline
    package static func == (left: MessageBytes, right: MessageBytes) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { ByteView(left) == ByteView($0) } }
    }

    @usableFromInline
    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
