import SluiceHub
import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceClient

@Suite("Calls and answers", .bounded) struct ClientCallTests {
    @Test("A call returns the answer of the receiver")
    func aCallReturnsTheAnswer() async throws {
        try await TestServer.run { _, client in
            let squares = try client.channel("squares")
            async let answer = squares.call("7")
            let delivery = try #require(try await squares.receive(lease: .seconds(60)))
            #expect(delivery.wantsAnswer && delivery.message.text == "7")
            try await delivery.answer("49")
            #expect(try await answer == Answer(Array("49".utf8), Attributes()))
            let error = await #expect(throws: SluiceError.self) { try await delivery.answer("50") }
            #expect(error?.code == .stale)
        }
    }

    @Test("A call returns nil when its message was taken without an answer, and an empty answer otherwise")
    func noAnswerIsNil() async throws {
        try await TestServer.run { _, client in
            let squares = try client.channel("squares")
            async let none = squares.call("7")
            try await #require(try await squares.receive(lease: .seconds(60))).acknowledge()
            #expect(try await none == nil)
            async let empty = squares.call("7")
            try await #require(try await squares.receive(lease: .seconds(60))).answer("")
            #expect(try await empty?.bytes == [])
        }
    }

    @Test("The answer to a send is dropped, and the send succeeds")
    func theAnswerToASendIsDropped() async throws {
        try await TestServer.run { _, client in
            let squares = try client.channel("squares")
            async let sent = squares.send("7")
            let delivery = try #require(try await squares.receive(lease: .seconds(60)))
            #expect(!delivery.wantsAnswer)
            try await delivery.answer("49")
            #expect(try await !sent.isDuplicate)
        }
    }

    @Test("A call of which nobody takes the message times out, and one that is cancelled is withdrawn")
    func aCallThatNobodyTakes() async throws {
        try await TestServer.run { server, client in
            let squares = try client.channel("squares")
            var error = await #expect(throws: SluiceError.self) { try await squares.call("7", timeout: .zero) }
            #expect(error?.code == .timedOut && error?.hadNoReceivers == true)
            let call = Task(executorPreference: taskThreads) { try await squares.call("7") }
            try await server.parked(1)
            call.cancel()
            error = await #expect(throws: SluiceError.self) { try await call.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("A call with an id whose connection is lost is repeated, and gets the answer that was given meanwhile")
    func aLostCallWithAnIDIsRepeated() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let caller = try await Client.connect(proxy.address.description)
        let worker = try await server.connect()
        let call = Task(executorPreference: taskThreads) {
            try await caller.channel("squares").call("7", id: "square-7")
        }
        let delivery = try #require(try await worker.channel("squares").receive(lease: .seconds(60)))
        proxy.mute()
        try await delivery.answer("49")
        proxy.cut()
        let answer = try await call.value
        #expect(answer?.text == "49")
        #expect(answer?.isDuplicate == true)
        #expect(try await worker.channel("squares").tryReceive() == nil, "the message was delivered once")
        await caller.close()
        await worker.close()
    }

    @Test("A call without an id whose connection is lost is in doubt")
    func aLostCallWithoutAnIDIsInDoubt() async throws {
        let server = try TestServer.start()
        defer { server.stop() }
        let proxy = try Proxy(to: server.address)
        defer { proxy.stop() }
        let caller = try await Client.connect(proxy.address.description)
        let worker = try await server.connect()
        let call = Task(executorPreference: taskThreads) { try await caller.channel("squares").call("7") }
        let delivery = try #require(try await worker.channel("squares").receive(lease: .seconds(60)))
        proxy.cut()
        let error = await #expect(throws: SluiceError.self) { try await call.value }
        #expect(error?.code == .inDoubt)
        try? await delivery.answer("49")
        await caller.close()
        await worker.close()
    }

    @Test("A repeated call gets the same answer from another client")
    func anotherClientGetsTheSameAnswer() async throws {
        try await TestServer.run { server, client in
            let squares = try client.channel("squares")
            async let answer = squares.call("7", id: "a")
            try await #require(try await squares.receive(lease: .seconds(60))).answer("49")
            #expect(try await answer?.isDuplicate == false)
            let other = try await server.connect()
            #expect(try await other.channel("squares").call("7", id: "a")?.text == "49")
            let error = await #expect(throws: SluiceError.self) {
                try await other.channel("squares").send("7", id: "a")
            }
            #expect(error?.code == .conflict)
            await other.close()
        }
    }

    @Test("A message is still held when its answer is too long for the server")
    func aTooLongAnswerKeepsTheMessage() async throws {
        var limits = HubLimits()
        limits.wire.maxBodyBytes = 100
        try await TestServer.run(limits: limits) { _, client in
            let squares = try client.channel("squares")
            async let answer = squares.call("7")
            let delivery = try #require(try await squares.receive(lease: .seconds(60)))
            let long = [UInt8](repeating: 0x78, count: 101)
            let error = await #expect(throws: SluiceError.self) { try await delivery.answer(long) }
            #expect(error?.code == .tooBig)
            try await delivery.answer("49")
            #expect(try await answer?.text == "49")
        }
    }
}
