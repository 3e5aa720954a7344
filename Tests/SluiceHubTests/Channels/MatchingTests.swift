import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Sends, receives, deadlines and withdrawal in the state machine.
@Suite struct MatchingTests {
    @Test("A send matches a parked receiver")
    func aSendMatchesAParkedReceiver() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.receive(from: "jobs", by: a, tag: "r").isParked)
        #expect(try hub.send("hello", on: "jobs", by: b) == .done(.ok([])))
        #expect(try hub.takeLateReplies() == [LateReply(a, "r", .message("hello", from: "jobs"))])
        hub.expectEmpty()
    }

    @Test("A receive matches a parked sender")
    func aReceiveMatchesAParkedSender() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("hello", on: "jobs", by: a, tag: "s").isParked)
        #expect(try hub.receive(from: "jobs", by: b) == .done(.message("hello", from: "jobs")))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok([]))])
        hub.expectEmpty()
    }

    @Test("Channels with different names are independent, and names are case-sensitive")
    func channelsAreIndependent() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.send("x", on: "a", by: a, tag: "1").isParked)
        #expect(try hub.receive(from: "A", by: a, tag: "2").isParked)
        #expect(hub.machine.channels.count == 2)
        #expect(hub.takeLateReplies().isEmpty)
    }

    @Test("Parked senders are served in the order in which they parked")
    func waitingSendersAreServedFirstComeFirstServed() throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<100 { #expect(try hub.send("\(number)", on: "c", by: a, tag: "\(number)").isParked) }
        for number in 0..<100 {
            #expect(try hub.receive(from: "c", by: a) == .done(.message("\(number)", from: "c")))
            #expect(hub.takeLateReplies() == [LateReply(a, "\(number)", .ok([]))])
        }
        hub.expectEmpty()
    }

    @Test("A send answers one of ten thousand parked receivers")
    func oneOfTenThousandWaitingReceiversWakes() throws {
        var hub = TestHub()
        let clients = (0..<10_000).map { _ in hub.connect() }
        for client in clients { #expect(try hub.receive(from: "c", by: client).isParked) }
        let sender = hub.connect()
        #expect(try hub.send("x", on: "c", by: sender) == .done(.ok([])))
        #expect(try hub.takeLateReplies() == [LateReply(clients[0], .message("x", from: "c"))])
        #expect(hub.machine.parkedCount == 9_999)
        for client in clients { hub.disconnect(client) }
        hub.expectEmpty()
    }

    @Test("A channel is removed with its last parked operation")
    func channelsVanishWithTheLastOfTheirWaiters() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<20_000 { _ = try hub.receive(from: "c\(number)", by: number % 2 == 0 ? a : b) }
        #expect(hub.machine.channels.count == 20_000)
        hub.disconnect(a)
        #expect(hub.machine.channels.count == 10_000)
        for number in 0..<10_000 { _ = try hub.send("x", on: "c\(2 * number + 1)", by: b) }
        #expect(hub.takeLateReplies().count == 10_000)
        hub.expectEmpty()
    }

    // MARK: Time

    @Test("A receive times out at its deadline and not before")
    func aReceiveTimesOutAndNotBefore() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.receive(from: "c", by: a, timeout: .seconds(5)).isParked)
        hub.pass(.milliseconds(4999))
        #expect(hub.takeLateReplies().isEmpty)
        hub.pass(.milliseconds(1))
        #expect(hub.takeLateReplies() == [LateReply(a, .timeout)])
        hub.expectEmpty()
    }

    @Test("A send that was received does not time out")
    func aSendThatWasTakenDoesNotTimeOut() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.send("x", on: "c", by: a, timeout: .seconds(5)).isParked)
        #expect(try hub.receive(from: "c", by: a) == .done(.message("x", from: "c")))
        #expect(hub.machine.nextDeadline == .max)
        #expect(hub.takeLateReplies() == [LateReply(a, .ok([]))])
        hub.pass(.seconds(10))
        #expect(hub.takeLateReplies().isEmpty)
    }

    @Test("A message whose send timed out is not received")
    func aSendThatTimedOutIsNotReceived() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.send("x", on: "c", by: a, timeout: .seconds(5)).isParked)
        hub.pass(.seconds(5))
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(hub.takeLateReplies() == [LateReply(a, .timeout)])
        hub.expectEmpty()
    }

    @Test("Deadlines that pass together expire in order")
    func deadlinesComeInTheirOrder() throws {
        var hub = TestHub()
        let a = hub.connect()
        for seconds in [3, 1, 2] {
            _ = try hub.receive(from: "c", by: a, tag: "\(seconds)", timeout: .seconds(seconds))
        }
        hub.pass(.seconds(3))
        #expect(hub.takeLateReplies() == ["1", "2", "3"].map { LateReply(a, $0, .timeout) })
    }

    @Test("An operation with timeout=0 matches at once or not at all")
    func aTimeoutOfZeroTriesOnce() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.send("x", on: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(try hub.select("recv c", "send d x", by: a, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
        #expect(try hub.receive(from: "c", by: a, tag: "r").isParked)
        #expect(try hub.send("x", on: "c", by: a, timeout: .zero) == .done(.ok([])))
    }

    // MARK: Withdrawal

    @Test("A cancelled operation is withdrawn, and cancelling it again does nothing")
    func aCancelledOperationDoesNotHappen() throws {
        var hub = TestHub()
        let a = hub.connect()
        let id = try #require(try hub.send("x", on: "c", by: a, tag: "s").parked)
        hub.cancel(id)
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .cancelled(nil))])
        hub.expectEmpty()
        hub.cancel(id)
        #expect(hub.takeLateReplies().isEmpty, "the operation has ended")
    }

    @Test("The operations of a lost connection are withdrawn without replies")
    func theOperationsOfALostConnectionAreWithdrawnWithoutReplies() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("from a", on: "c", by: a, tag: "1", timeout: .seconds(1))
        _ = try hub.send("from b", on: "c", by: b, tag: "2")
        _ = try hub.receive(from: "d", by: a, tag: "3", waitsAfterEOF: true)
        _ = try hub.select("recv e", "send f x", by: a, tag: "4")
        hub.disconnect(a)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.machine.parkedCount == 1)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("from b", from: "c")))
        hub.expectEmpty()
    }

    @Test("Half-close withdraws the operations that do not wait after EOF")
    func halfCloseWithdrawsOperations() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.receive(from: "c", by: a, tag: "1")
        _ = try hub.receive(from: "c", by: a, tag: "2", waitsAfterEOF: true)
        hub.endInput(of: a)
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .cancelled("eof"))])
        #expect(try hub.send("x", on: "c", by: a) == .done(.ok([])), "an operation that need not wait still runs")
        #expect(try hub.takeLateReplies() == [LateReply(a, "2", .message("x", from: "c"))])
        #expect(try hub.receive(from: "c", by: a) == .done(.cancelled("eof")))
        #expect(try hub.receive(from: "c", by: a, waitsAfterEOF: true).isParked)
    }

    @Test("Disconnecting withdraws the client's own operations only")
    func disconnectingWithdrawsOnlyOwnOperations() throws {
        var hub = TestHub()
        let clients = (0..<100).map { _ in hub.connect() }
        for round in 0..<10 {
            for client in clients { _ = try hub.receive(from: "c", by: client, tag: "\(round)") }
        }
        for client in clients.dropFirst().dropLast() { hub.disconnect(client) }
        #expect(hub.machine.parkedCount == 20)
        for round in 0..<10 {
            for client in [clients[0], clients[99]] {
                _ = try hub.send("x", on: "c", by: client)
                #expect(try hub.takeLateReplies() == [LateReply(client, "\(round)", .message("x", from: "c"))])
            }
        }
        hub.expectEmpty()
    }
}
