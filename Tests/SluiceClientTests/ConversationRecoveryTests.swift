import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceClient

/// Without sockets and without a clock.
@Suite("The client's side of the protocol, when connections are lost") struct ConversationRecoveryTests {
    private let jobs: ChannelName

    init() throws { jobs = try #require(ChannelName("jobs")) }

    private func send(_ text: String, id: String? = nil, timeout: Duration? = nil) -> Command {
        let identity = id.flatMap { MessageID($0) }.map { SendIdentity($0) }
        return .send(SendCommand(channel: jobs, body: Array(text.utf8), timeout: timeout, identity: identity))
    }

    private func receive(timeout: Duration? = nil) -> Command {
        .receive(ReceiveCommand(channel: jobs, timeout: timeout))
    }

    // MARK: Losing connections

    @Test("A new connection repeats operations in their order")
    func whatHasNotHappenedIsAskedForAgainInItsOrder() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        talk.ask(.receive(ReceiveCommand(channel: jobs, lease: .seconds(1))))
        talk.ask(.inspect(Inspection(.server)))
        talk.lose()
        talk.ask(receive(timeout: .seconds(1)))
        #expect(talk.told.isEmpty)
        try talk.hear("")
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\nOK\n")
        #expect(talk.said == "INFO\n#0 RECV jobs\n#1 RECV lease=1000ms jobs\n#2 RECV timeout=1000ms jobs\n")
    }

    @Test("A new connection repeats a send with an id, and one without is in doubt")
    func aSendWithoutAnIDIsInDoubtAndOneWithAnIDIsRepeated() throws {
        let talk = Talk()
        try talk.begin(epoch: 5)
        talk.ask(send("x"))
        talk.ask(send("y", id: "a"))
        _ = talk.said
        talk.lose()
        #expect(talk.told == ["SEND in-doubt"])
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=6\nOK\n")
        #expect(talk.said == "#0 SEND id=a epoch=5 len=1 jobs\ny\n")
        try talk.hear("#0 MAYBE epoch\n")
        #expect(talk.told == ["SEND in-doubt", "SEND MAYBE"])
    }

    @Test("A send with an id is not repeated after the server has forgotten the id")
    func anIDIsNotTrustedForLongerThanTheServerRemembersIt() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(send("y", id: "a"))
        talk.lose()
        talk.now += Duration.seconds(101).wholeNanoseconds
        try talk.begin()
        #expect(talk.told == ["SEND in-doubt"])
        #expect(talk.said.isEmpty)
    }

    @Test("A send is in doubt since the first loss, however often the connection is lost again")
    func doubtBeginsWithTheFirstLoss() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(send("y", id: "a"))
        for _ in 0..<3 {
            talk.lose()
            talk.now += Duration.seconds(33).wholeNanoseconds
            try talk.begin()
            #expect(talk.told.isEmpty)
        }
        talk.lose()
        talk.now += Duration.seconds(33).wholeNanoseconds
        try talk.begin()
        #expect(talk.told == ["SEND in-doubt"])
    }

    @Test("Every lost connection frees its tags")
    func lostConnectionsFreeTheirTags() throws {
        let talk = Talk()
        try talk.begin(tags: 4)
        for _ in 0..<3 { talk.ask(receive()) }
        for _ in 0..<3 {
            talk.lose()
            talk.connect()
            _ = talk.said
            try talk.hear("OK version=1 epoch=1 max-tags=4\nOK\n")
            #expect(talk.said == "#0 RECV jobs\n#1 RECV jobs\n#2 RECV jobs\n")
        }
    }

    @Test(
        "A channel that was closed or poisoned is not opened again at a new server, and an end that left does not join")
    func whatHasEndedStaysEnded() throws {
        for ending in [Command.close(jobs), .poison(jobs, nil)] {
            let talk = Talk()
            try talk.begin(epoch: 1)
            talk.ask(.open(OpenCommand(jobs, .broadcast)))
            talk.ask(.join(JoinCommand(ChannelEnd(.send, of: jobs))))
            talk.ask(.leave(ChannelEnd(.send, of: jobs)))
            talk.ask(ending)
            try talk.hear("OK\nOK\nOK\nOK\n")
            talk.lose()
            talk.connect()
            _ = talk.said
            try talk.hear("OK version=1 epoch=2\nOK\n")
            #expect(talk.said.isEmpty)
        }
    }

    @Test(
        "An end that leaves while its connection is lost, or afterwards, does not join again", arguments: [true, false])
    func anEndLeavesWithItsConnection(isAsked: Bool) throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(.join(JoinCommand(ChannelEnd(.send, of: jobs))))
        try talk.hear("OK\n")
        if isAsked { talk.ask(.leave(ChannelEnd(.send, of: jobs))) }
        talk.lose()
        if !isAsked { talk.ask(.leave(ChannelEnd(.send, of: jobs))) }
        #expect(talk.told == ["JOIN OK", "LEAVE disconnected"])
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\nOK\n")
        #expect(talk.said.isEmpty)
    }

    @Test("What begins without a connection waits for the next one, also if it may not be repeated")
    func whatBeginsWithoutAConnectionWaits() throws {
        let talk = Talk()
        try talk.begin()
        talk.lose()
        talk.ask(send("x"))
        talk.ask(.barrier(BarrierCommand(jobs, parties: 2)))
        talk.ask(.select(SelectCommand(arms: [.receive(jobs), .send(jobs, [])])))
        talk.connect()
        talk.lose()
        #expect(talk.told.isEmpty)
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\nOK\n")
        #expect(talk.told.isEmpty)
        #expect(talk.said.split(separator: "\n").count { $0.hasPrefix("#") } == 3)
    }

    @Test("A try ends with its connection, and one that sends is in doubt")
    func triesDoNotWait() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive(timeout: .zero))
        talk.ask(send("x", id: "a", timeout: .zero))
        talk.lose()
        #expect(talk.told == ["RECV disconnected", "SEND in-doubt"])
    }

    @Test(
        "Why the last connection was lost is not the outcome of an operation",
        arguments: [
            SluiceError.Code.system, .timedOut, .closed, .address, .cancelled,
        ])
    func causesAreNoOutcomes(code: SluiceError.Code) throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        talk.lose(SluiceError(code, "gone"), isFinal: true)
        talk.ask(receive())
        #expect(talk.told == ["RECV disconnected", "RECV disconnected"])
    }

    @Test("Commands about a connection or its leases end with the connection")
    func whatIsAboutTheConnectionEndsWithIt() throws {
        let talk = Talk()
        try talk.begin()
        let delivery = DeliveryID(serial: 1, slot: 2)
        talk.ask(.acknowledge(AcknowledgeCommand(delivery)), connection: 1)
        talk.ask(.touch(delivery), connection: 1)
        talk.ask(.leave(ChannelEnd(.send, of: jobs)))
        talk.ask(.barrier(BarrierCommand(jobs, parties: 2)))
        talk.lose()
        #expect(talk.told.sorted() == ["ACK in-doubt", "BARRIER in-doubt", "LEAVE disconnected", "TOUCH stale"])
        try talk.begin()
        talk.ask(.acknowledge(AcknowledgeCommand(delivery)), connection: 1)
        #expect(talk.told.last == "ACK stale")
    }

    @Test("Selects that only receive are repeated, and others are in doubt")
    func selectsThatOnlyReceiveGoOnAndOthersAreInDoubt() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(.select(SelectCommand(arms: [.receive(jobs)])))
        talk.ask(.select(SelectCommand(arms: [.receive(jobs), .send(jobs, [])])))
        talk.lose()
        #expect(talk.told == ["SELECT in-doubt"])
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\nOK\n")
        #expect(talk.said == "#0 SELECT recv jobs\n")
    }

    @Test("A new connection repeats the label, the ends and, at a new server, the channels")
    func aNewConnectionIsMadeWhatTheOldOneWas() throws {
        let label = try #require(ChannelName("worker"))
        let talk = Talk(label: label)
        try talk.begin(epoch: 1)
        try talk.hear("OK\n")
        talk.ask(.open(OpenCommand(jobs, .broadcast)))
        talk.ask(.join(JoinCommand(ChannelEnd(.send, of: jobs))))
        try talk.hear("OK\nOK\n")
        for (epoch, remade) in [(1, ""), (2, "OPEN kind=broadcast jobs\n")] {
            talk.lose()
            talk.connect()
            _ = talk.said
            try talk.hear("OK version=1 epoch=\(epoch)\nOK\n")
            #expect(talk.said == "NAME worker\n\(remade)JOIN end=send jobs\n")
        }
    }

    @Test("Without another connection, every operation ends")
    func withoutAnotherConnectionEverythingEnds() throws {
        let talk = Talk()
        try talk.begin(tags: 4)
        for _ in 0..<4 { talk.ask(receive()) }
        talk.ask(send("x", id: "a"))
        talk.lose(isFinal: true)
        // The operations that the server had are queued again, ahead of those that it never had, and end with them.
        #expect(talk.told.sorted() == Array(repeating: "RECV disconnected", count: 4) + ["SEND in-doubt"])
        talk.ask(receive())
        #expect(talk.told.last == "RECV disconnected")
    }

    // MARK: Servers that are about to stop

    @Test("What a server withdraws or refuses before it stops is asked of the next one, in its order")
    func receivesOutliveADrainingServer() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        talk.ask(.receive(ReceiveCommand(channel: jobs, lease: .seconds(1), count: .exactly(2), window: 2)))
        talk.ask(.join(JoinCommand(ChannelEnd(.receive, of: jobs))))
        talk.ask(send("x", id: "a"))
        _ = talk.said
        try talk.hear("#1 MSG jobs 1 did=1.2 attempt=1\ny\n#1 CANCELLED draining\n#0 CANCELLED draining\n")
        try talk.hear("ERR draining no\n#2 CANCELLED draining\n")
        #expect(talk.told == ["RECV part MSG", "SEND CANCELLED"])
        talk.ask(receive(timeout: .seconds(5)))
        #expect(talk.said.isEmpty)
        talk.ask(.acknowledge(AcknowledgeCommand(DeliveryID(serial: 1, slot: 2))), connection: 1)
        talk.ask(send("x"))
        talk.ask(receive(timeout: .zero))
        #expect(talk.said == "ACK 1.2\n#2 SEND len=1 jobs\nx\n#0 RECV timeout=0ms jobs\n")
        try talk.hear("OK\n#2 ERR draining no\n#0 ERR draining no\n")
        #expect(talk.told.suffix(3) == ["ACK OK", "SEND ERR", "RECV ERR"])
        talk.lose()
        talk.now = Duration.seconds(1).wholeNanoseconds
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=2\nOK\n")
        #expect(
            talk.said
                == "JOIN end=recv jobs\n#0 RECV jobs\n#1 RECV lease=1000ms count=1 window=1 jobs\n#2 RECV timeout=4000ms jobs\n"
        )
        try talk.hear("OK\n#0 MSG jobs 1\nx\n")
        #expect(talk.told.suffix(2) == ["JOIN OK", "RECV MSG"])
    }

    @Test("A receive that waits for the next server keeps its deadline")
    func timeGoesOnWhileAServerDrains() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive(timeout: .seconds(3)))
        try talk.hear("#0 CANCELLED draining\n")
        #expect(talk.needsAlarm)
        #expect(talk.conversation.nextDeadline == Duration.seconds(3).wholeNanoseconds)
        talk.now = Duration.seconds(4).wholeNanoseconds
        talk.expire()
        #expect(talk.told == ["RECV timed-out"])
    }

    @Test("A cancelled receive does not wait for the next server")
    func aCancelledReceiveEndsWithItsServer() throws {
        let talk = Talk()
        try talk.begin()
        let receiving = talk.ask(receive())
        talk.cancel(receiving)
        try talk.hear("#0 CANCELLED draining\nOK\n")
        #expect(talk.told == ["RECV CANCELLED"])
    }

    // MARK: Time

    @Test("Timeouts run while there is no connection")
    func timeGoesOnWithoutAConnection() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive(timeout: .seconds(10)))
        talk.ask(receive(timeout: .seconds(3)))
        talk.ask(send("x", id: "a", timeout: .seconds(3)))
        talk.lose()
        #expect(talk.conversation.nextDeadline == Duration.seconds(3).wholeNanoseconds)
        talk.now = Duration.seconds(4).wholeNanoseconds
        talk.expire()
        #expect(talk.told.sorted() == ["RECV timed-out", "SEND in-doubt"])
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\nOK\n")
        #expect(talk.said == "#0 RECV timeout=6000ms jobs\n")
    }

    @Test("A try without a connection fails")
    func aTryWithoutAConnectionFails() throws {
        let talk = Talk()
        talk.ask(receive(timeout: .zero))
        #expect(talk.told == ["RECV disconnected"])
    }

    @Test("A silent server gets a PING, and is given up when it does not answer")
    func aSilentServerIsAskedForASignOfLifeAndGivenUp() throws {
        let talk = Talk()
        try talk.begin()
        talk.now = Duration.seconds(9).wholeNanoseconds
        for _ in 0..<9 { #expect(talk.checkLife()) }
        #expect(talk.said.isEmpty)
        talk.now = Duration.seconds(10).wholeNanoseconds
        for _ in 0..<ClientConversation.checksForAnswer { #expect(talk.checkLife()) }
        #expect(talk.said == "PING\n")
        #expect(!talk.checkLife())
    }

    @Test("A reply shows that the server is alive")
    func aReplyIsASignOfLife() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        talk.ask(.inspect(Inspection(.server)))
        for _ in 0..<ClientConversation.checksForAnswer { #expect(talk.checkLife()) }
        // Not the answer, but the server is there.
        try talk.hear("#0 MSG jobs 1\nx\n")
        for _ in 0..<ClientConversation.checksForAnswer { #expect(talk.checkLife()) }
        #expect(!talk.checkLife())
    }

    @Test("A server that does not end an operation in its time gets a PING", arguments: [Duration.zero, .seconds(3)])
    func anOverdueOperationNeedsASignOfLife(timeout: Duration) throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive(timeout: timeout))
        _ = talk.said
        talk.now = Duration.seconds(2).wholeNanoseconds
        if timeout > .zero { #expect(talk.checkLife(keepAlive: nil) && talk.said.isEmpty) }
        talk.now = Duration.seconds(4).wholeNanoseconds
        #expect(talk.checkLife(keepAlive: nil))
        #expect(talk.said == "PING\n")
        // A receiver that holds a message may delay the outcome of a send for longer.
        try talk.hear("OK\n")
        #expect(talk.checkLife(keepAlive: nil))
        #expect(talk.said == "PING\n")
        for _ in 1..<ClientConversation.checksForAnswer { #expect(talk.checkLife(keepAlive: nil)) }
        #expect(!talk.checkLife(keepAlive: nil))
    }

    @Test("An idle connection without keepAlive is not asked for anything")
    func nothingIsAskedWithoutKeepAlive() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        _ = talk.said
        talk.now = Duration.seconds(1000).wholeNanoseconds
        for _ in 0..<10 { #expect(talk.checkLife(keepAlive: nil)) }
        #expect(talk.said.isEmpty)
    }
}
