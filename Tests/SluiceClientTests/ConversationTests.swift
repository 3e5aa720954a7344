import SluiceRuntime
import SluiceWire
import Synchronization
import Testing

@testable import SluiceClient

/// Without sockets and without a clock.
@Suite("The client's side of the protocol") struct ConversationTests {
    /// A conversation, and the server that the test plays.
    private final class Talk {
        var conversation: ClientConversation
        private var reader = ReplyReader()
        var now: UInt64 = 0
        /// The events of the operations in order: the verb, and what was told.
        private(set) var told: [String] = []
        private(set) var change: ConversationChange?

        init(label: ChannelName? = nil, credentials: Credentials? = nil) {
            conversation = ClientConversation(label: label, credentials: credentials)
        }

        func connect() {
            reader = ReplyReader()
            take(conversation.connected(now: now))
        }

        /// Connects, and answers the greeting.
        func begin(epoch: Int = 1, tags: Int = 1024) throws {
            connect()
            try hear("OK version=1 epoch=\(epoch) max-tags=\(tags)\n")
            _ = said
        }

        @discardableResult
        func ask(_ command: Command, connection: Int? = nil) -> Operation {
            let operation = Operation(command, connection: connection)
            take(conversation.submit(operation) { [now] in now })
            return operation
        }

        func hear(_ text: String) throws {
            let replies = try Array(text.utf8).withUnsafeBytes { try reader.read($0) }
            take(conversation.heard(replies) { [now] in now })
        }

        func cancel(_ operation: Operation) { take(conversation.cancel(operation)) }
        func lose(_ cause: SluiceError = SluiceError(.disconnected, "gone"), isFinal: Bool = false) {
            take(conversation.lost(cause, isFinal: isFinal))
        }
        func close() { take(conversation.close()) }
        func expectNobody() { take(conversation.expectNobody()) }
        func expire() { take(conversation.expire(now: now)) }
        func checkLife(_ patience: Duration) -> Bool {
            let (isAlive, actions) = conversation.checkLife(patience: patience, now: now)
            take(actions)
            return isAlive
        }

        /// Whether a write has been requested.
        var wantsToWrite: Bool { conversation.isFlushRequested }

        /// The output since the last call.
        var said: String { String(decoding: conversation.takeOutput(), as: UTF8.self) }

        private func take(_ actions: ConversationActions) {
            change = actions.change ?? change
            for (operation, event) in actions.events {
                let text =
                    switch event {
                    case .part(let reply, _): "part \(reply.word)"
                    case .ended(.reply(let reply, _)): reply.word
                    case .ended(.failed(let error)): error.code.description
                    }
                told.append("\(operation.command.verb.rawValue) \(text)")
            }
        }
    }

    private let jobs: ChannelName

    init() throws { jobs = try #require(ChannelName("jobs")) }

    private func send(_ text: String, id: String? = nil, timeout: Duration? = nil) -> Command {
        let identity = id.flatMap { MessageID($0) }.map { SendIdentity($0) }
        return .send(SendCommand(channel: jobs, body: Array(text.utf8), timeout: timeout, identity: identity))
    }

    private func receive(timeout: Duration? = nil) -> Command {
        .receive(ReceiveCommand(channel: jobs, timeout: timeout))
    }

    // MARK: Beginning

    @Test("Operations wait for the greeting")
    func nothingIsAskedBeforeTheGreeting() throws {
        let talk = Talk()
        talk.connect()
        talk.ask(receive())
        #expect(talk.said == "HELLO\n")
        try talk.hear("OK version=1 epoch=7\n")
        #expect(talk.said == "#0 RECV jobs\n")
        #expect(talk.conversation.greeting?.epoch == 7)
    }

    @Test("Another version of the protocol ends the client")
    func anotherVersionIsRejected() throws {
        let talk = Talk()
        talk.connect()
        try talk.hear("OK version=2 epoch=7\n")
        guard case .rejected = talk.change else { return #expect(Bool(false), "\(String(describing: talk.change))") }
    }

    @Test("A server without room is tried again")
    func aFullServerIsTriedAgain() throws {
        let talk = Talk()
        talk.connect()
        try talk.hear("ERR limit the server accepts at most 1 connections\n")
        guard case .broken(let error) = talk.change else { return #expect(Bool(false), "no change") }
        #expect(error.code == .limit)
    }

    @Test("Credentials are sent before operations")
    func aClientWithCredentialsShowsThemFirst() throws {
        let principal = try #require(ChannelName("ann"))
        let talk = Talk(credentials: Credentials(principal, token: Array("secret".utf8)))
        talk.connect()
        talk.ask(receive())
        try talk.hear("OK version=1 epoch=7\n")
        #expect(talk.said == "HELLO\nAUTH ann secret\r\n")
        try talk.hear("OK\n")
        #expect(talk.said == "#0 RECV jobs\n")
    }

    @Test("Refused credentials end the client")
    func refusedCredentialsAreTheEnd() throws {
        let principal = try #require(ChannelName("ann"))
        let talk = Talk(credentials: Credentials(principal, token: []))
        talk.connect()
        try talk.hear("OK version=1 epoch=7\nERR denied no\n")
        guard case .rejected(let error) = talk.change else { return #expect(Bool(false), "no change") }
        #expect(error.code == .denied)
    }

    // MARK: Tags

    @Test("A tag is reused after its final reply")
    func aTagIsUsedAgainOnceItsFinalReplyHasCome() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(receive())
        talk.ask(send("x"))
        try talk.hear("#0 MSG jobs 1\nx\n")
        talk.ask(receive())
        #expect(talk.said == "#0 RECV jobs\n#1 SEND len=1 jobs\nx\n#0 RECV jobs\n")
        #expect(talk.told == ["RECV MSG"])
    }

    @Test("Receives and sends leave each other a share of the tags")
    func eachKindKeepsAShareOfTheTags() throws {
        let talk = Talk()
        try talk.begin(tags: 4)
        for _ in 0..<5 { talk.ask(receive()) }
        #expect(talk.said == "#0 RECV jobs\n#1 RECV jobs\n#2 RECV jobs\n")
        talk.ask(send("x"))
        talk.ask(send("y"))
        #expect(talk.said == "#3 SEND len=1 jobs\nx\n")
        try talk.hear("#3 OK\n#0 MSG jobs 1\nx\n")
        #expect(talk.said == "#0 SEND len=1 jobs\ny\n#3 RECV jobs\n")
    }

    @Test("Commands that are answered at once need no tag")
    func whatIsAnsweredAtOnceNeedsNoTag() throws {
        let talk = Talk()
        try talk.begin(tags: 2)
        talk.ask(receive())
        talk.ask(receive())
        talk.ask(.acknowledge(DeliveryID(serial: 1, slot: 2)))
        #expect(talk.said == "#0 RECV jobs\nACK 1.2\n")
        try talk.hear("OK\n")
        #expect(talk.told == ["ACK OK"])
    }

    @Test("A counted receive has many replies")
    func countedReceivesHaveManyReplies() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(.receive(ReceiveCommand(channel: jobs, lease: .seconds(1), count: .endless)))
        try talk.hear("#0 MSG jobs 1 did=1.2 attempt=1\nx\n#0 MSG jobs 1 did=1.3 attempt=1\ny\n#0 CLOSED jobs\n")
        #expect(talk.told == ["RECV part MSG", "RECV part MSG", "RECV CLOSED"])
    }

    @Test("A counted receive asks the next connection for what it has not received yet") func resumedCounting() throws {
        let talk = Talk()
        try talk.begin()
        talk.ask(.receive(ReceiveCommand(channel: jobs, lease: .seconds(1), count: .exactly(3), window: 3)))
        talk.ask(.receive(ReceiveCommand(channel: jobs, count: .exactly(1))))
        try talk.hear("#0 MSG jobs 1 did=1.2 attempt=1\nx\n#1 MSG jobs 1\ny\n")
        talk.lose()
        #expect(talk.told == ["RECV part MSG", "RECV part MSG", "RECV END"])
        talk.connect()
        _ = talk.said
        try talk.hear("OK version=1 epoch=1\n")
        #expect(talk.said == "#0 RECV lease=1000ms count=2 window=2 jobs\n")
    }

    @Test("A reply to no pending command breaks the connection")
    func anAnswerToNothingBreaksTheConnection() throws {
        let talk = Talk()
        try talk.begin()
        try talk.hear("#7 OK\n")
        guard case .broken = talk.change else { return #expect(Bool(false), "no change") }
    }

    @Test("Tasks that are resumed together share one write")
    func aCrowdThatWasToldTogetherIsWrittenTogether() throws {
        let talk = Talk()
        try talk.begin()
        for _ in 0..<8 { talk.ask(receive()) }
        _ = talk.said
        try talk.hear((0..<8).map { "#\($0) MSG jobs 1\nx\n" }.joined())
        for _ in 0..<5 { talk.ask(receive()) }
        #expect(!talk.wantsToWrite)
        talk.ask(receive())
        #expect(talk.wantsToWrite)
        _ = talk.said
        talk.ask(receive())
        #expect(!talk.wantsToWrite)
        // One task has not submitted anything yet.
        talk.expectNobody()
        #expect(talk.wantsToWrite)
    }

    // MARK: Cancelling

    @Test("A cancelled operation waits for its final reply")
    func cancellingWaitsForTheServersWord() throws {
        let talk = Talk()
        try talk.begin()
        let first = talk.ask(receive())
        let second = talk.ask(receive())
        _ = talk.said
        talk.cancel(first)
        talk.cancel(second)
        #expect(talk.said == "CANCEL #0\nCANCEL #1\n")
        #expect(talk.told.isEmpty)
        try talk.hear("#1 MSG jobs 1\nx\nOK\n#0 CANCELLED\nOK\n")
        #expect(talk.told == ["RECV MSG", "RECV CANCELLED"])
    }

    @Test("A queued operation is cancelled at once")
    func whatTheServerDoesNotHaveIsCancelledAtOnce() throws {
        let talk = Talk()
        let operation = talk.ask(receive())
        talk.cancel(operation)
        #expect(talk.told == ["RECV cancelled"])
        try talk.begin()
        talk.ask(send("x"))
        #expect(talk.said == "#0 SEND len=1 jobs\nx\n")
    }

    @Test("Cancelled operations end with their connection")
    func cancelledOperationsDoNotOutliveTheirConnection() throws {
        let talk = Talk()
        try talk.begin()
        let operations = [talk.ask(receive()), talk.ask(send("x", id: "a"))]
        for operation in operations { talk.cancel(operation) }
        talk.lose()
        #expect(talk.told.sorted() == ["RECV cancelled", "SEND in-doubt"])
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
        try talk.hear("OK version=1 epoch=1\n")
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
        try talk.hear("OK version=1 epoch=6\n")
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

    @Test("Commands about a connection or its leases end with the connection")
    func whatIsAboutTheConnectionEndsWithIt() throws {
        let talk = Talk()
        try talk.begin()
        let delivery = DeliveryID(serial: 1, slot: 2)
        talk.ask(.acknowledge(delivery), connection: 1)
        talk.ask(.touch(delivery), connection: 1)
        talk.ask(.leave(ChannelEnd(.send, of: jobs)))
        talk.ask(.barrier(BarrierCommand(jobs, parties: 2)))
        talk.lose()
        #expect(talk.told.sorted() == ["ACK in-doubt", "BARRIER in-doubt", "LEAVE disconnected", "TOUCH stale"])
        try talk.begin()
        talk.ask(.acknowledge(delivery), connection: 1)
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
        try talk.hear("OK version=1 epoch=1\n")
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
            try talk.hear("OK version=1 epoch=\(epoch)\n")
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
        try talk.hear("OK version=1 epoch=1\n")
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
        #expect(talk.checkLife(.seconds(10)))
        #expect(talk.said.isEmpty)
        talk.now = Duration.seconds(10).wholeNanoseconds
        #expect(talk.checkLife(.seconds(10)))
        #expect(talk.said == "PING\n")
        talk.now = Duration.seconds(20).wholeNanoseconds
        #expect(!talk.checkLife(.seconds(10)))
    }

    // MARK: Closing

    @Test("Closing withdraws everything and sends QUIT")
    func closingWithdrawsEverythingAndSaysGoodBye() throws {
        let talk = Talk()
        try talk.begin(tags: 2)
        talk.ask(receive())
        talk.ask(receive())
        _ = talk.said
        talk.close()
        #expect(talk.said == "CANCEL #0\nQUIT\n")
        #expect(talk.told == ["RECV disconnected"])
        try talk.hear("OK\n#0 CANCELLED\nOK\n")
        #expect(talk.told == ["RECV disconnected", "RECV CANCELLED"])
        guard case .farewell = talk.change else { return #expect(Bool(false), "no farewell") }
    }
}

extension Reply {
    fileprivate var word: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes.prefix { $0 != 0x20 && $0 != 0x0A }, as: UTF8.self)
    }
}
