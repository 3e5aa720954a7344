import SluiceRuntime
import SluiceWire
import Synchronization
import Testing

@testable import SluiceClient

/// Without sockets and without a clock.
@Suite("The client's side of the protocol") struct ConversationTests {
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
        #expect(talk.said == "HELLO\nPING\n")
        try talk.hear("OK version=1 epoch=7\nOK\n")
        #expect(talk.said == "#0 RECV jobs\n")
        #expect(talk.conversation.greeting?.epoch == 7)
    }

    @Test("A client names only those additions that change replies and that the server knows")
    func onlyKnownAdditionsAreNamed() throws {
        for (known, named) in [
            ("call,fence", nil), ("later,rejected", "rejected"), ("rejected,call,receivers", "receivers,rejected"),
            ("kept,trace,receivers", "receivers,kept"),
        ] {
            let talk = Talk()
            talk.connect()
            talk.ask(receive())
            #expect(talk.said == "HELLO\nPING\n")
            try talk.hear("OK version=1 epoch=7 features=\(known)\nOK\n")
            #expect(talk.said == (named.map { "HELLO features=\($0)\n" } ?? "") + "#0 RECV jobs\n")
        }
    }

    @Test("A server that knows the feature is asked to tell whether anybody receives")
    func receiversAreAskedFor() throws {
        let talk = Talk()
        talk.connect()
        talk.ask(send("x", timeout: .seconds(1)))
        #expect(talk.said == "HELLO\nPING\n")
        try talk.hear("OK version=1 epoch=7 features=later,receivers\nOK\n")
        #expect(talk.said == "HELLO features=receivers\n#0 SEND timeout=1000ms len=1 jobs\nx\n")
        try talk.hear("OK version=1 epoch=7 features=later,receivers\n#0 TIMEOUT receivers=0\n")
        #expect(talk.told.count == 1)
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

    @Test("A server with users ends a client without credentials", arguments: ["auth-required", "denied"])
    func missingCredentialsAreTheEnd(code: String) throws {
        let talk = Talk(label: ChannelName("worker"))
        talk.connect()
        #expect(talk.said == "HELLO\nPING\n")
        try talk.hear("OK version=1 epoch=7\nERR \(code) no\n")
        guard case .rejected(let error) = talk.change else { return #expect(Bool(false), "no change") }
        #expect(error.code == .authRequired)
        #expect(talk.said.isEmpty)
    }

    @Test("A server that gets its first users ends a client without credentials")
    func firstUsersEndClientsWithoutCredentials() throws {
        let talk = Talk()
        try talk.begin()
        try talk.hear("ERR auth-required no\n")
        guard case .rejected(let error) = talk.change else { return #expect(Bool(false), "no change") }
        #expect(error.code == .authRequired)
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
        talk.ask(.acknowledge(AcknowledgeCommand(DeliveryID(serial: 1, slot: 2))))
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
        try talk.hear("OK version=1 epoch=1\nOK\n")
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
