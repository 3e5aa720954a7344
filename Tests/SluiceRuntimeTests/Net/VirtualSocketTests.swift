import Testing

@testable import SluiceRuntime

@Suite struct VirtualSocketTests {
    @Test("A write of three parts takes as many bytes as there is room for, wherever the room ends")
    func partsOfAWrite() {
        let parts: [[UInt8]] = [[1, 2, 3], [], [4, 5, 6, 7]]
        for room in 0...9 {
            let socket = VirtualSocket(outputRoom: room)
            var changes = 0
            var taken: [UInt8] = []
            // The peer takes the bytes during the write.
            socket.whenChanged = { socket in
                changes += 1
                taken = socket.takeOutput(upTo: .max)
            }
            let attempt = parts[0].withUnsafeBytes { first in
                parts[1].withUnsafeBytes { second in parts[2].withUnsafeBytes { socket.tryWrite(first, second, $0) } }
            }
            let expected = min(room, 7)
            switch attempt {
            case .bytes(let count): #expect(count == expected && count > 0)
            case .wouldBlock: #expect(expected == 0)
            case .failed: Issue.record("the socket is not broken")
            }
            #expect(socket.untakenBytes == 0 && changes == min(1, expected))
            #expect(taken == Array(parts.joined().prefix(expected)))
        }
    }

    @Test("A write to a broken or closed socket fails", arguments: [true, false])
    func writesToEndedSockets(_ isBroken: Bool) {
        let socket = VirtualSocket(outputRoom: 10)
        if isBroken { socket.breakOff() } else { socket.close() }
        let attempt = [UInt8(1)].withUnsafeBytes { socket.tryWrite($0) }
        guard case .failed = attempt else {
            Issue.record("the write has succeeded")
            return
        }
    }
}
