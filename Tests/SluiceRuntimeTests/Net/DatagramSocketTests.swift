import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `DatagramServer` and its test, `test__server.py`.
@Suite(.bounded) struct DatagramSocketTests {
    @Test("Datagrams go to an address and come with that of their sender", arguments: ["127.0.0.1:0", "[::1]:0"])
    func echo(_ address: String) throws {
        let reactor = try Reactor()
        try reactor.run {
            let server = try DatagramSocket.bind(to: SocketAddress(address))
            let client = try DatagramSocket.bind(to: SocketAddress(address))
            #expect(server.localAddress.port != 0)
            let echo = reactor.spawn {
                let datagram = try await server.receive()
                #expect(datagram.sender == client.localAddress)
                try await server.send(datagram.bytes.reversed(), to: datagram.sender)
            }
            try await parked(echo)
            try await client.send([1, 2, 3], to: server.localAddress)
            let answer = try await client.receive()
            #expect(answer == .init(bytes: [3, 2, 1], sender: server.localAddress, isTruncated: false))
            try await echo.join()
        }
    }

    @Test("A datagram is one message: an empty one arrives, and a long one loses its end only if it must")
    func boundaries() throws {
        try Reactor().run {
            let socket = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
            let address = socket.localAddress
            let largest = [UInt8](repeating: 7, count: DatagramSocket.largestDatagram)
            for bytes in [[], [1, 2, 3], largest] { try await socket.send(bytes, to: address) }
            #expect(try await socket.receive().bytes == [])
            let cut = try await socket.receive(upTo: 2)
            #expect(cut.bytes == [1, 2])
            #expect(cut.isTruncated)
            #expect(try await socket.receive().bytes == largest)
            #expect(await failure { try await socket.send(largest + [7], to: address) }?.errno == EMSGSIZE)
        }
    }

    @Test("A wait has a timeout, can be cancelled, and ends when the socket is closed")
    func waits() throws {
        let reactor = try Reactor()
        try reactor.run {
            let socket = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
            #expect(await failure { _ = try await socket.receive(timeout: .zero) }?.code == .timedOut)
            let cancelled = reactor.spawn { try await socket.receive() }
            try await parked(cancelled)
            #expect(cancelled.report.hasSuffix("read from the datagram socket on \(socket.localAddress)"))
            #expect(await failure { _ = try await socket.receive() }?.code == .misuse)
            cancelled.cancel()
            #expect(await failure { _ = try await cancelled.join() }?.code == .cancelled)
            let closed = reactor.spawn { try await socket.receive() }
            try await parked(closed)
            socket.close()
            #expect(await failure { _ = try await closed.join() }?.code == .closed)
            #expect(await failure { try await socket.send([], to: socket.localAddress) }?.code == .closed)
        }
    }

    @Test("Addresses that no datagram socket can have are refused")
    func refusals() throws {
        try Reactor().run {
            let taken = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
            #expect(await failure { _ = try DatagramSocket.bind(to: taken.localAddress) }?.errno == EADDRINUSE)
            #expect(await failure { _ = try DatagramSocket.bind(to: .unix(path: "/tmp/x")) }?.code == .misuse)
        }
        #expect(throws: SluiceError.self) { try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0")) }
    }

    @Test("A task that always has a datagram to receive lets others run")
    func busyReceiver() throws {
        let reactor = try Reactor()
        try reactor.run {
            let socket = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
            let ticked = Event()
            let busy = reactor.spawn {
                while !ticked.isSet {
                    try await socket.send([1], to: socket.localAddress)
                    _ = try await socket.receive()
                }
            }
            try await sleep(for: .milliseconds(1))
            ticked.set()
            try await busy.join()
        }
    }
}
