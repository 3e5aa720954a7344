/// Skips the bodies of a refused line, without storing or parsing them.
struct SkippedBodies: Sendable {
    enum Progress {
        case ended
        case needsMore
        case unterminated
    }

    private let lengths: [Int]

    /// The index of the body that is being skipped.
    private var index = 0
    private var frame: BodyFrame

    /// Returns nil if there is no body to skip.
    init?(_ lengths: [Int]) {
        guard let first = lengths.first else { return nil }
        self.lengths = lengths
        frame = BodyFrame(length: first)
    }

    /// Skips the rest of a body, and the bodies of those lengths that follow it.
    init(_ frame: BodyFrame, _ lengths: [Int]) {
        self.frame = frame
        // The frame has the length of the first body, so its entry is never read.
        self.lengths = [0] + lengths
    }

    mutating func skip(_ input: ByteView, offset: inout Int) -> Progress {
        while true {
            switch frame.advance(over: input, offset: &offset) {
            case .bytes: continue
            case .ended:
                index += 1
                guard index < lengths.count else { return .ended }
                frame = BodyFrame(length: lengths[index])
            case .needsMore: return .needsMore
            case .unterminated: return .unterminated
            }
        }
    }
}

/// A request that was given up while its bodies arrived.
package struct SkippedRequest: Sendable {
    package let tag: Tag?
}
