import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Counted receives in the pure machine.
@Suite struct CountedReceiveTests {
    /// A message of the receive `r` of `client`.
    private func message(_ text: String, to client: ConnectionID) throws -> News {
        try News(client, "r", .message(text, from: "c"), isFinal: false)
    }

    @Test func messagesFlowUntilTheCountIsReached() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("0", on: "c", by: a, tag: "0")
        #expect(try floor.stream(3, from: "c", by: b, tag: "r").isParked)
        #expect(try floor.news() == [News(a, "0", .ok), message("0", to: b)])
        for number in 1...2 { #expect(try floor.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(try floor.news() == [message("1", to: b), message("2", to: b), News(b, "r", .end)])
        floor.expectEmpty()
    }

    @Test func aReceiveMayEndInTheCallThatBeginsIt() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a) }
        #expect(try floor.stream(2, from: "c", by: b, tag: "r").isParked)
        #expect(floor.news().last == News(b, "r", .end))
        floor.expectEmpty()
    }

    @Test func anEndlessOneEndsWhenItIsCancelled() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let id = try #require(try floor.stream(from: "c", by: b, tag: "r").parked)
        for number in 0..<100 { #expect(try floor.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(floor.news().count == 100)
        floor.cancel(id)
        #expect(floor.news() == [News(b, "r", .cancelled(nil))])
        floor.expectEmpty()
    }

    @Test func theTimeoutIsForEachMessageAnew() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r", timeout: .seconds(2))
        for _ in 0..<5 {
            floor.pass(.seconds(1))
            _ = try floor.send("x", on: "c", by: a)
        }
        #expect(floor.news().count == 5)
        floor.pass(.milliseconds(1999))
        #expect(floor.news().isEmpty)
        floor.pass(.milliseconds(1))
        #expect(floor.news() == [News(b, "r", .timeout)])
        floor.expectEmpty()
    }

    @Test func withoutTimeItTakesWhatIsThere() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a) }
        _ = try floor.stream(from: "c", by: b, tag: "r", timeout: .zero)
        let news = floor.news().filter { $0.connection == b }
        #expect(try news == [message("0", to: b), message("1", to: b), News(b, "r", .timeout)])
        floor.expectEmpty()
    }

    // MARK: The window

    @Test func withALeaseOneMessageIsUnacknowledgedAtATime() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<3 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        for number in 0..<3 {
            let news = floor.news()
            let delivery = try #require(news.last?.delivery)
            #expect(news.compactMap(\.delivery).count == 1)
            #expect(floor.ack(delivery, by: b) == .done(.ok))
            #expect(floor.machine.effects.contains { News($0) == News(a, "\(number)", .ok) })
        }
        #expect(floor.machine.leases.count == 0)
    }

    @Test func theWindowIsHowManyMayBeUnacknowledged() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1), window: 3)
        for number in 0..<5 { #expect(try floor.send("\(number)", on: "c", by: a, tag: "\(number)").isParked) }
        let held = floor.deliveries()
        #expect(held.count == 3)
        #expect(floor.ack(held[1], by: b) == .done(.ok))
        #expect(floor.deliveries().count == 1)
        #expect(floor.nack(held[0], by: b) == .done(.ok))
        let news = floor.news()
        #expect(try news.first?.reply == .message("0", from: "c", news.first?.delivery, attempt: 2))
    }

    @Test func aLeaseThatEndsMakesRoomInTheWindow() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        #expect(floor.deliveries().count == 1)
        floor.pass(.seconds(1))
        #expect(floor.deliveries().count == 1, "the same one again")
    }

    @Test func leasesOutliveTheirReceive() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(1, from: "c", by: b, tag: "r", lease: .seconds(1))
        #expect(try floor.send("x", on: "c", by: a, tag: "s").isParked)
        let news = floor.news()
        let delivery = try #require(news.first?.delivery)
        #expect(news.last == News(b, "r", .end))
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    // MARK: The client's output

    private func limits(outputBytes: Int) -> HubLimits {
        var limits = HubLimits()
        limits.outputBytes = outputBytes
        return limits
    }

    @Test func itIsPausedWhileItsClientTakesNothing() throws {
        var floor = Floor(limits: limits(outputBytes: 100))
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        for number in 0..<2 { #expect(try floor.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(try floor.send("2", on: "c", by: a, tag: "2").isParked)
        #expect(floor.machine.waitersReport(on: nil).waiters.map(\.state) == [.waiting, .paused])
        _ = floor.news()
        floor.machine.outputWritten(2 * 65, of: b)
        #expect(try Set(floor.news()) == [News(a, "2", .ok), message("2", to: b)])
    }

    @Test func aMessageThatIsNotTakenGoesToSomebodyElse() throws {
        var floor = Floor(limits: limits(outputBytes: 50))
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        _ = try floor.send("0", on: "c", by: a)
        _ = try floor.send("1", on: "c", by: a)
        #expect(try floor.receive(from: "c", by: a) == .done(.message("1", from: "c")))
    }

    @Test func oneThatIsPausedForBothReasonsGoesOnWhenNeitherHolds() throws {
        var floor = Floor(limits: limits(outputBytes: 50))
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let delivery = try #require(floor.deliveries().first)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.deliveries().isEmpty)
        floor.machine.outputWritten(65, of: b)
        #expect(floor.deliveries().count == 1)
    }

    @Test func poisonEndsEvenOneThatIsPaused() throws {
        var floor = Floor(limits: limits(outputBytes: 50))
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        _ = try floor.send("0", on: "c", by: a)
        _ = floor.news()
        #expect(try floor.poison("c", "over", by: a) == .done(.ok))
        #expect(try floor.news() == [News(b, "r", .poisoned("c", because: "over"))])
        #expect(floor.machine.parkedCount == 0)
        floor.machine.outputWritten(65, of: b)
        #expect(floor.news().isEmpty)
    }

    @Test func oneThatIsPausedLearnsOfTheEndWhenItGoesOnAndTheNameIsFreeBefore() throws {
        var floor = Floor(limits: limits(outputBytes: 50))
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r")
        _ = try floor.send("0", on: "c", by: a)
        _ = floor.news()
        #expect(try floor.close("c", by: a) == .done(.ok))
        floor.pass(.seconds(100))
        #expect(floor.machine.channels.count == 0)
        #expect(try floor.send("other", on: "c", by: a, tag: "s").isParked)
        floor.machine.outputWritten(65, of: b)
        #expect(try floor.news() == [News(b, "r", .closed("c"))])
        #expect(floor.machine.channels.count == 1)
        #expect(floor.machine.channels.tombstoneCount == 0)
    }

    // MARK: Half-close

    @Test func halfCloseEndsItAndNothingPausesAfterwards() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        floor.endInput(of: b)
        #expect(floor.news() == [News(b, "r", .cancelled("eof"))])
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try floor.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        let news = floor.news()
        #expect(news.count == 2)
        #expect(news.last == News(b, "r", .cancelled("eof")), "nobody will acknowledge it")
        _ = try floor.stream(from: "d", by: b, tag: "w", waitsAfterEOF: true)
        #expect(floor.machine.parkedCount == 3)
    }

    // MARK: Other kinds

    @Test func aValueThatIsSentOnceIsOneMessageAndTheEnd() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.open("c", .once, by: a)
        _ = try floor.stream(5, from: "c", by: b, tag: "r")
        _ = try floor.send("v", on: "c", by: a)
        #expect(try floor.news() == [message("v", to: b), News(b, "r", .closed("c"))])
        _ = try floor.stream(1, from: "c", by: c, tag: "r")
        #expect(try floor.news() == [message("v", to: c), News(c, "r", .end)])
    }

    @Test func aClosedChannelIsReceivedToItsEnd() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(3), by: a)
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a) }
        _ = try floor.close("c", by: a)
        _ = try floor.stream(from: "c", by: b, tag: "r")
        #expect(try floor.news() == [message("0", to: b), message("1", to: b), News(b, "r", .closed("c"))])
    }
}
