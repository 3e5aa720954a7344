import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The buffer of unwritten output.
@Suite struct OutputBufferTests {
    @Test(
        "Output is written in order, however much the kernel takes at a time",
        arguments: [1, 2, 7, 16, 1000, 16_384, 16_390, 40_000, 1_000_000])
    func outputIsWrittenInOrder(most: Int) throws {
        let name = try #require(ChannelName("c"))
        let large = EncodedReplies.leastInsertedBytes
        let replies: [Reply] = [
            .ok([]), .message(name, Body(repeating: 1, count: large), []), .message(name, Body("small".utf8), []),
            .message(name, Body(repeating: 2, count: large + 1), []),
            .message(name, Body(repeating: 3, count: large - 1), []), .timeout,
            .message(name, Body(repeating: 4, count: 2 * large), []),
        ]
        var expected: [UInt8] = []
        var buffer = OutputBuffer(of: ReactorShare(of: try Reactor(), number: 0, limits: HubLimits()))
        for reply in replies {
            reply.append(to: &expected, tag: nil)
            buffer.append(reply, tag: nil)
        }
        let shared = Body(repeating: 5, count: EncodedReplies.leastSharedBytes)
        for _ in 0..<200 {
            Reply.message(name, shared, []).append(to: &expected, tag: nil)
            buffer.append(.shared(shared), from: name, CommonAttributes(), tag: nil)
        }
        #expect(buffer.count == expected.count)
        #expect(buffer.memoryBytes < expected.count - 190 * shared.count)
        var written: [UInt8] = []
        while !buffer.isEmpty {
            let before = written.count
            let pieces = buffer.withUnsent { [UInt8]($0) + [UInt8]($1) + [UInt8]($2) }
            written += pieces.prefix(most)
            let gathered = withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) {
                [UInt8]($0[..<buffer.gather(into: $0)])
            }
            #expect(gathered.starts(with: pieces.prefix(most)))
            #expect(gathered.count == min(most, buffer.count))
            buffer.drop(min(most, pieces.count))
            #expect(written.count > before && buffer.count == expected.count - written.count)
        }
        #expect(written == expected)
    }
}
