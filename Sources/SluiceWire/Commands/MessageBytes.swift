/// The bytes of a message on its way: still where they were read, or in memory of their own.
///
/// A message that a waiting receiver takes is copied once, from the input to the output. Only a message that is queued
/// or kept gets memory of its own.
package enum MessageBytes: @unchecked Sendable {
    // Sendable: borrowed bytes are valid, and do not change, while the call that was given the input lasts; whoever
    // keeps a message takes `owned`.

    /// Bytes of the input. Valid while the call that was given the input lasts.
    case borrowed(UnsafeRawBufferPointer)
    case owned(Body)

    /// The number of bytes.
    @inline(__always) package var count: Int {
        switch self {
        case .borrowed(let bytes): bytes.count
        case .owned(let body): body.count
        }
    }

    /// The bytes in memory of their own: a copy where they are borrowed.
    package var body: Body {
        switch self {
        case .borrowed(let bytes): Body(bytes)
        case .owned(let body): body
        }
    }

    /// Calls `use` with the bytes.
    package func withUnsafeBytes<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .borrowed(let bytes): use(bytes)
        case .owned(let body): body.withUnsafeBytes(use)
        }
    }
}

extension MessageBytes: Hashable {
    package static func == (left: MessageBytes, right: MessageBytes) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { ByteView(left) == ByteView($0) } }
    }

    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
