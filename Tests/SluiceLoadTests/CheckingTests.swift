import SeededRandom
import Testing

@testable import sluice_load

@Suite("Checking messages")
struct CheckingTests {
    @Test("A body tells its sender and number, and every other byte is checked", arguments: [8, 16, 5000])
    func bodies(size: Int) {
        let pattern = MessagePattern(bodyBytes: size, seed: 3)
        for (sender, number) in [(0, 0), (1, 1), (4095, 123_456_789), (262_143, 1 << 30 - 1)] {
            var output = ByteQueue()
            pattern.write(sender: sender, number: number, to: &output)
            #expect(output.count == size)
            let read = pattern.read(output.bytes)
            #expect(read?.sender == sender && read?.number == number)
            // A changed byte makes it another message, or no message.
            for place in [0, 3, 7, size - 1] {
                var bytes = Array(output.bytes)
                bytes[place] ^= 1
                let changed = bytes.withUnsafeBytes { pattern.read($0) }
                #expect(changed == nil || changed?.sender != sender || changed?.number != number)
                if place >= MessagePattern.headBytes { #expect(changed == nil) }
            }
            #expect(Array(output.bytes.dropLast()).withUnsafeBytes { pattern.read($0) } == nil)
        }
    }

    @Test("A body's filler depends on the seed")
    func seeds() {
        var output = ByteQueue()
        MessagePattern(bodyBytes: 100, seed: 1).write(sender: 1, number: 1, to: &output)
        #expect(MessagePattern(bodyBytes: 100, seed: 1).read(output.bytes) != nil)
        #expect(MessagePattern(bodyBytes: 100, seed: 2).read(output.bytes) == nil)
    }

    /// Returns the ledger of one sender of ten messages, and of receivers of these numbers.
    private func ledger(_ received: [[Int]]) -> DeliveryLedger {
        var ledger = DeliveryLedger()
        ledger.add(sender: 5, sent: 10)
        for numbers in received {
            var tally = SenderTally()
            for number in numbers where !tally.record(number) { Issue.record("\(number) was rejected") }
            ledger.add(receiver: [5: tally])
        }
        return ledger
    }

    @Test("A ledger balances when exactly one receiver received each message")
    func eachOnce() throws {
        try ledger([Array(0..<10)]).checkEachOnce()
        try ledger([[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]).checkEachOnce()
        try ledger([[], [0, 1, 2], Array(3..<10)]).checkEachOnce()
        for wrong in [
            [Array(0..<9)], [Array(1..<10)], [[0, 1, 2], Array(2..<10)], [[0, 1, 2], Array(4..<10)],
            [Array(0..<10), [9]], [[0, 1, 2, 3, 4, 5, 6, 7, 8, 10]], [[0, 1, 2, 3, 5], [1, 5, 6, 7, 8]],
        ] {
            #expect(throws: LoadFailure.self) { try ledger(wrong).checkEachOnce() }
        }
    }

    @Test("A broadcast's ledger balances when every receiver received each message")
    func eachByAll() throws {
        try ledger([Array(0..<10), Array(0..<10)]).checkEachByAll()
        #expect(throws: LoadFailure.self) { try ledger([Array(0..<10), Array(0..<9)]).checkEachByAll() }
        #expect(throws: LoadFailure.self) { try ledger([Array(0..<10), []]).checkEachByAll() }
    }

    @Test("A tally rejects a message that is repeated or out of order")
    func order() {
        var tally = SenderTally()
        func accepts(_ number: Int) -> Bool { tally.record(number) }
        #expect(accepts(0))
        #expect(accepts(3))
        #expect(!accepts(3))
        #expect(!accepts(1))
        #expect(tally.count == 2)
    }

    @Test("A byte queue returns the bytes that were appended", arguments: 0..<20 as Range<UInt64>)
    func byteQueue(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = ByteQueue()
        var model: [UInt8] = []
        for _ in 0..<500 {
            if Bool.random(using: &random) {
                let bytes = (0..<Int.random(in: 0...300, using: &random)).map { UInt8(truncatingIfNeeded: $0) }
                queue.append(bytes)
                queue.append(decimal: bytes.count)
                model += bytes + Array("\(bytes.count)".utf8)
            } else {
                let count = Int.random(in: 0...model.count, using: &random)
                queue.removeFirst(count)
                model.removeFirst(count)
            }
            #expect(Array(queue.bytes) == model)
        }
    }
}
