import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Sends, receives and deadlines in the pure machine.
@Suite struct MeetingTests {
    @Test func aSendMeetsTheReceiverThatWaits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.receive(from: "jobs", by: a, tag: "r").isParked)
        #expect(try floor.send("hello", on: "jobs", by: b) == .done(.ok([])))
        #expect(try floor.news() == [News(a, "r", .message("hello", from: "jobs"))])
        floor.expectEmpty()
    }

    @Test func aReceiverTakesTheMessageOfTheSenderThatWaits() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.send("hello", on: "jobs", by: a, tag: "s").isParked)
        #expect(try floor.receive(from: "jobs", by: b) == .done(.message("hello", from: "jobs")))
        #expect(floor.news() == [News(a, "s", .ok([]))])
        floor.expectEmpty()
    }

    @Test func channelsOfDifferentNamesHaveNothingToDoWithEachOther() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.send("x", on: "a", by: a, tag: "1").isParked)
        #expect(try floor.receive(from: "A", by: a, tag: "2").isParked)
        #expect(floor.machine.channels.count == 2)
        #expect(floor.news().isEmpty)
    }

    @Test func waitingSendersAreServedFirstComeFirstServed() throws {
        var floor = Floor()
        let a = floor.connect()
        for number in 0..<100 { #expect(try floor.send("\(number)", on: "c", by: a, tag: "\(number)").isParked) }
        for number in 0..<100 {
            #expect(try floor.receive(from: "c", by: a) == .done(.message("\(number)", from: "c")))
            #expect(floor.news() == [News(a, "\(number)", .ok([]))])
        }
        floor.expectEmpty()
    }

    @Test func oneOfTenThousandWaitingReceiversWakes() throws {
        var floor = Floor()
        let clients = (0..<10_000).map { _ in floor.connect() }
        for client in clients { #expect(try floor.receive(from: "c", by: client).isParked) }
        let sender = floor.connect()
        #expect(try floor.send("x", on: "c", by: sender) == .done(.ok([])))
        #expect(try floor.news() == [News(clients[0], .message("x", from: "c"))])
        #expect(floor.machine.parkedCount == 9_999)
        for client in clients { floor.disconnect(client) }
        floor.expectEmpty()
    }

    @Test func channelsVanishWithTheLastOfTheirWaiters() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<20_000 { _ = try floor.receive(from: "c\(number)", by: number % 2 == 0 ? a : b) }
        #expect(floor.machine.channels.count == 20_000)
        floor.disconnect(a)
        #expect(floor.machine.channels.count == 10_000)
        for number in 0..<10_000 { _ = try floor.send("x", on: "c\(2 * number + 1)", by: b) }
        #expect(floor.news().count == 10_000)
        floor.expectEmpty()
    }

    // MARK: Time

    @Test func aReceiveTimesOutAndNotBefore() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.receive(from: "c", by: a, timeout: .seconds(5)).isParked)
        floor.pass(.milliseconds(4999))
        #expect(floor.news().isEmpty)
        floor.pass(.milliseconds(1))
        #expect(floor.news() == [News(a, .timeout)])
        floor.expectEmpty()
    }

    @Test func aSendThatWasTakenDoesNotTimeOut() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.send("x", on: "c", by: a, timeout: .seconds(5)).isParked)
        #expect(try floor.receive(from: "c", by: a) == .done(.message("x", from: "c")))
        #expect(floor.machine.nextDeadline == nil)
        #expect(floor.news() == [News(a, .ok([]))])
        floor.pass(.seconds(10))
        #expect(floor.news().isEmpty)
    }

    @Test func aSendThatTimedOutIsNotReceived() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.send("x", on: "c", by: a, timeout: .seconds(5)).isParked)
        floor.pass(.seconds(5))
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(floor.news() == [News(a, .timeout)])
        floor.expectEmpty()
    }

    @Test func deadlinesComeInTheirOrder() throws {
        var floor = Floor()
        let a = floor.connect()
        for seconds in [3, 1, 2] {
            _ = try floor.receive(from: "c", by: a, tag: "\(seconds)", timeout: .seconds(seconds))
        }
        floor.pass(.seconds(3))
        #expect(floor.news() == ["1", "2", "3"].map { News(a, $0, .timeout) })
    }

    @Test func aTimeoutOfZeroTriesOnce() throws {
        var floor = Floor()
        let a = floor.connect()
        #expect(try floor.send("x", on: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(try floor.select("recv c", "send d x", by: a, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
        #expect(try floor.receive(from: "c", by: a, tag: "r").isParked)
        #expect(try floor.send("x", on: "c", by: a, timeout: .zero) == .done(.ok([])))
    }

    // MARK: Withdrawal

    @Test func aCancelledOperationDoesNotHappen() throws {
        var floor = Floor()
        let a = floor.connect()
        let id = try #require(try floor.send("x", on: "c", by: a, tag: "s").parked)
        floor.cancel(id)
        #expect(floor.news() == [News(a, "s", .cancelled(nil))])
        floor.expectEmpty()
        floor.cancel(id)
        #expect(floor.news().isEmpty, "it is over")
    }

    @Test func theOperationsOfALostConnectionAreWithdrawnWithoutReplies() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("from a", on: "c", by: a, tag: "1", timeout: .seconds(1))
        _ = try floor.send("from b", on: "c", by: b, tag: "2")
        _ = try floor.receive(from: "d", by: a, tag: "3", waitsAfterEOF: true)
        _ = try floor.select("recv e", "send f x", by: a, tag: "4")
        floor.disconnect(a)
        #expect(floor.news().isEmpty)
        #expect(floor.machine.parkedCount == 1)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("from b", from: "c")))
        floor.expectEmpty()
    }

    @Test func halfCloseWithdrawsWhatDoesNotWaitForIt() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.receive(from: "c", by: a, tag: "1")
        _ = try floor.receive(from: "c", by: a, tag: "2", waitsAfterEOF: true)
        floor.endInput(of: a)
        #expect(floor.news() == [News(a, "1", .cancelled("eof"))])
        #expect(try floor.send("x", on: "c", by: a) == .done(.ok([])), "what needs no waiting still runs")
        #expect(try floor.news() == [News(a, "2", .message("x", from: "c"))])
        #expect(try floor.receive(from: "c", by: a) == .done(.cancelled("eof")))
        #expect(try floor.receive(from: "c", by: a, waitsAfterEOF: true).isParked)
    }

    @Test func withdrawingTouchesOnlyOnesOwnOperations() throws {
        var floor = Floor()
        let clients = (0..<100).map { _ in floor.connect() }
        for round in 0..<10 {
            for client in clients { _ = try floor.receive(from: "c", by: client, tag: "\(round)") }
        }
        for client in clients.dropFirst().dropLast() { floor.disconnect(client) }
        #expect(floor.machine.parkedCount == 20)
        for round in 0..<10 {
            for client in [clients[0], clients[99]] {
                _ = try floor.send("x", on: "c", by: client)
                #expect(try floor.news() == [News(client, "\(round)", .message("x", from: "c"))])
            }
        }
        floor.expectEmpty()
    }
}
