import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// `SEND delay=`, and the fences of leases.
@Suite struct DelayTests {
    private let second = Duration.seconds(1)

    @Test("A delayed message is received when it is due, and not before", arguments: [false, true], [false, true])
    func aDelayedMessageIsDue(buffers: Bool, receiverWaits: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        if buffers { _ = try hub.open("c", .buffer(1), by: a) }
        if receiverWaits { #expect(try hub.receive(from: "c", by: b, tag: "r").isParked) }
        let outcome = try hub.send("1", on: "c", by: a, tag: "1", delay: second)
        #expect(buffers ? outcome == .done(.ok) : outcome.isParked)
        hub.pass(second - .nanoseconds(1))
        if !receiverWaits { #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout)) }
        #expect(hub.takeLateReplies().isEmpty)
        hub.pass(.nanoseconds(1))
        let message = try Reply.message("1", from: "c")
        if !receiverWaits { #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(message)) }
        let told = (receiverWaits ? [LateReply(b, "r", message)] : []) + (buffers ? [] : [LateReply(a, "1", .ok)])
        #expect(Set(hub.takeLateReplies()) == Set(told))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("Messages that are due come in the order of the times at which they are due")
    func dueMessagesComeInOrder() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(5), by: a)
        for delay in [3, 1, 2] { _ = try hub.send("\(delay)", on: "c", by: a, delay: .seconds(delay)) }
        hub.pass(.milliseconds(2500))
        _ = try hub.send("2.5", on: "c", by: a)
        hub.pass(second)
        for text in ["1", "2", "2.5", "3"] {
            #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.message(text, from: "c")))
        }
    }

    @Test("A delayed message counts against the capacity")
    func aDelayedMessageCountsAgainstTheCapacity() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        #expect(try hub.send("1", on: "c", by: a, delay: second) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked)
        #expect(try hub.send("3", on: "c", by: a, tag: "3", delay: second).isParked)
        #expect(try hub.send("4", on: "c", by: a, timeout: .zero, delay: second) == .done(.timeout))
        hub.pass(second)
        #expect(hub.takeLateReplies().isEmpty)
        for (text, tag) in [("1", "2"), ("2", "3"), ("3", nil)] {
            #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.message(text, from: "c")))
            #expect(hub.takeLateReplies() == (tag.map { [LateReply(a, $0, .ok)] } ?? []))
        }
    }

    @Test("A sender may stop waiting before its message is due: it provably did not happen")
    func aDelayedMessageIsWithdrawn() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "c", by: a, tag: "1", timeout: second, delay: .seconds(2)).isParked)
        #expect(try hub.send("2", on: "c", by: a, timeout: .zero, delay: second) == .done(.timeout))
        hub.pass(second)
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .timeout)])
        hub.pass(second)
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("A delayed message with an id is sent once")
    func aDelayedIDIsSentOnce() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("1", on: "c", by: a, tag: "1", id: "k", delay: second).isParked)
        #expect(try hub.send("1", on: "c", by: a, tag: "2", id: "k", delay: second).isParked)
        hub.pass(second)
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok), LateReply(a, "2", .duplicate)])
        #expect(try hub.send("1", on: "c", by: a, id: "k", delay: second) == .done(.duplicate))
        _ = try hub.open("d", .buffer(1), by: a)
        #expect(try hub.send("1", on: "d", by: a, id: "k", delay: second) == .done(.ok))
        #expect(try hub.send("1", on: "d", by: a, id: "k", delay: second) == .done(.duplicate))
    }

    @Test("A closed channel still delivers its delayed messages, and then ends", arguments: [false, true])
    func aClosedChannelDeliversDelayedMessages(buffers: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        if buffers { _ = try hub.open("c", .buffer(1), by: a) }
        _ = try hub.send("1", on: "c", by: a, tag: "1", delay: second)
        _ = try hub.close("c", by: a)
        #expect(try hub.send("2", on: "c", by: a, delay: second) == .done(.closed("c")))
        for tag in ["r", "s"] { #expect(try hub.receive(from: "c", by: b, tag: tag).isParked) }
        hub.pass(second)
        let replies = hub.takeLateReplies().filter { $0.connection == b }
        #expect(replies == [LateReply(b, "r", try .message("1", from: "c")), LateReply(b, "s", try .closed("c"))])
    }

    @Test("POISON, a drain and a half-close end a delayed message")
    func endsOfADelayedMessage() throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("b", .buffer(1), by: a)
        _ = try hub.send("1", on: "b", by: a, delay: second)
        #expect(try hub.send("1", on: "c", by: a, tag: "1", delay: second).isParked)
        #expect(try hub.send("1", on: "d", by: a, tag: "2", delay: second).isParked)
        _ = try hub.poison("b", by: a)
        _ = try hub.poison("c", by: a)
        #expect(hub.takeLateReplies() == [LateReply(a, "1", try .poisoned("c"))])
        hub.endInput(of: a)
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .cancelled("eof"))])
        let b = hub.connect()
        #expect(try hub.send("1", on: "d", by: b, tag: "3", delay: second).isParked)
        hub.machine.drain()
        #expect(hub.takeLateReplies() == [LateReply(b, "3", .cancelled("draining"))])
        hub.pass(HubLimits().tombstoneLife + second)
        hub.expectEmpty()
    }

    @Test("A broadcast and a once channel take no delayed message", arguments: [ChannelDeclaration.broadcast, .once])
    func noDelayForAll(_ declaration: ChannelDeclaration) throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("c", declaration, by: a)
        #expect(try hub.send("1", on: "c", by: a, delay: second).refusal == .conflict)
    }

    @Test(
        "A channel that drops messages treats one that is due as a new one",
        arguments: [Overflow.dropNewest, .dropOldest])
    func aDelayedMessageOnADroppingChannel(_ overflow: Overflow) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, overflow), by: a)
        #expect(try hub.send("1", on: "c", by: a, delay: second) == .done(.ok))
        #expect(try hub.send("2", on: "c", by: a) == .done(overflow == .dropNewest ? .dropped : .ok))
        #expect(
            try hub.send("3", on: "c", by: a, delay: .seconds(2)) == .done(overflow == .dropNewest ? .dropped : .ok))
        hub.pass(.seconds(2))
        let last = overflow == .dropNewest ? "1" : "3"
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.message(last, from: "c")))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    // MARK: Fences

    @Test("Each lease has a greater fence than all before, also after a restart")
    func fencesGrow() throws {
        var last: Int64 = 0
        for epoch in [1, 2, 1_900_000_000_000, 1_900_000_000_001] {
            var hub = TestHub(epoch: epoch)
            let (a, b) = (hub.connect(), hub.connect())
            for _ in 1...5 {
                _ = try hub.send("1", on: "c", by: a, tag: "1")
                let command = ReceiveCommand(channel: try channel("c"), lease: second)
                let outcome = hub.machine.apply(.receive(command), by: Caller(connection: b, tag: nil))
                guard case .done(.message(_, _, let attributes)) = outcome else { return #expect(Bool(false)) }
                #expect(attributes.fence > last)
                last = attributes.fence
                #expect(hub.ack(try #require(attributes.delivery), by: b) == .done(.ok))
            }
            #expect(Fence.epoch(after: last) == epoch + 1)
        }
    }
}
