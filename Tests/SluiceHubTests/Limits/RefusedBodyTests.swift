import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Bodies that arrive when the memory of their connection is used up.
@Suite(.bounded) struct RefusedBodyTests {
    private static let commands = [
        "send len=500000 c", "call len=500000 c", "select send len=500000 c | recv d",
        "select send len=500000 c | send len=500000 d",
    ]

    @Test(
        "A body for which there is no memory is skipped, its command gets ERR limit, and the connection goes on",
        arguments: commands, [1500, 40_000])
    func bodiesAreSkipped(command: String, piece: Int) throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let hub = Hub(
            on: reactor,
            limits: limits {
                $0.memory = 8 << 20
                $0.memoryPerConnection = 256 << 10
            }, epoch: 42)
        try reactor.runByHand {
            reactor.settle()
            let socket = VirtualSocket(outputRoom: 1 << 20)
            #expect(hub.admit(socket, from: "a", network: 1))
            reactor.settle()
            let charged = hub.look { $0.machine.account.used }
            let bodies = command.split(separator: "len=").count - 1
            // Lines that must not run.
            let body = [UInt8](String(repeating: "#b ping x\n", count: 50_000).utf8)
            var input = [UInt8]("#1 \(command)\n".utf8)
            for _ in 0..<bodies { input += body + [10] }
            input += "#2 ping after\n".utf8
            for start in stride(from: 0, to: input.count, by: piece) {
                socket.arrive(input[start..<min(start + piece, input.count)])
                repeat {
                    socket.tell()
                    reactor.settle()
                } while socket.isReady && socket.unreadBytes > 0
            }
            let bound = "a connection may use at most 262144 bytes of memory"
            #expect(
                String(decoding: socket.takeOutput(upTo: .max), as: UTF8.self)
                    == "#1 ERR limit \(bound)\n#2 DATA 5\nafter\n")
            // Small changes of the input are not charged.
            #expect(hub.look { $0.machine.account.used } < charged + 4096)
            socket.breakOff()
            socket.tell()
            reactor.settle()
            #expect(hub.look { $0.machine.account.used } == 0)
        }
    }
}
