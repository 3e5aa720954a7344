import SluiceWire
import Testing

/// Commands for channels, their ends, and barriers.
@Suite struct ChannelCommandTests {
    @Test("OPEN reads the failure policy")
    func openReadsThePolicy() throws {
        let policy = FailurePolicy(maxAttempts: 5, deadChannel: ChannelName("a/dead"), retryDelay: .seconds(10))
        #expect(
            try command("OPEN cap=2 max-attempts=5 dead=a/dead retry=10s a")
                == .open(OpenCommand(try channel("a"), .queue(capacity: 2), policy)))
        #expect(try command("OPEN a") == .open(OpenCommand(try channel("a"), .rendezvous)))
    }

    @Test(
        "OPEN refuses an impossible failure policy",
        arguments: [
            ("OPEN dead=a a", "bad-option"), ("OPEN kind=once retry=1s a", "bad-option"),
            ("OPEN kind=broadcast dead=b a", "bad-option"), ("OPEN max-attempts=0 a", "bad-number"),
            ("OPEN retry=1 a", "bad-number"), ("OPEN dead=-x a", "bad-name"), ("OPEN dead= a", "bad-name"),
            ("REDRIVE count=0 a", "bad-number"), ("REDRIVE", "syntax"), ("REDRIVE a b", "syntax"),
        ])
    func impossiblePoliciesAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    private func open(_ options: String) throws -> ChannelDeclaration {
        guard case .open(let command) = try command("OPEN \(options)jobs") else { throw Unexpected() }
        #expect(command.channel == (try channel("jobs")))
        return command.declaration
    }

    private struct Unexpected: Error {}

    @Test("An OPEN without options declares a rendezvous")
    func aChannelIsARendezvousUnlessItSaysOtherwise() throws {
        #expect(try open("") == .rendezvous)
        #expect(try open("cap=0 ") == .rendezvous)
        #expect(try open("overflow=block ") == .rendezvous)
        #expect(try open("kind=queue ") == .rendezvous)
        #expect(try open("kind=queue overflow=block cap=0 ") == .rendezvous)
    }

    @Test("OPEN with cap= and overflow= declares a queue", arguments: Overflow.allCases, [0, 1, 65_536])
    func aQueueKeepsMessages(_ overflow: Overflow, _ capacity: Int) throws {
        let expected = ChannelDeclaration.queue(capacity: capacity, overflow: overflow)
        #expect(try open("cap=\(capacity) overflow=\(overflow.rawValue) ") == expected)
        #expect(try open("KIND=queue OVERFLOW=\(overflow.rawValue) CAP=\(capacity) ") == expected)
    }

    @Test("Broadcast and once channels take no cap= and no overflow=")
    func otherKindsKeepNothing() throws {
        #expect(try open("kind=broadcast ") == .broadcast)
        #expect(try open("kind=once ") == .once)
        for kind in ["broadcast", "once"] {
            for option in [
                "cap=1", "cap=0", "cap=65537", "overflow=block", "overflow=drop-oldest", "cap=1 overflow=block",
            ] {
                expectRefusal("OPEN kind=\(kind) \(option) jobs", "bad-option")
                expectRefusal("OPEN \(option) kind=\(kind) jobs", "bad-option")
            }
        }
    }

    @Test(
        "An invalid OPEN is refused",
        arguments: [
            ("OPEN cap= a", "bad-number"), ("OPEN cap=-1 a", "bad-number"), ("OPEN cap=01 a", "bad-number"),
            ("OPEN cap=x a", "bad-number"), ("OPEN cap=* a", "bad-number"),
            ("OPEN cap=9223372036854775808 a", "bad-number"),
            ("OPEN cap=1 cap=1 a", "bad-option"), ("OPEN overflow= a", "bad-option"),
            ("OPEN overflow=drop a", "bad-option"),
            ("OPEN overflow=BLOCK a", "bad-option"), ("OPEN overflow=block overflow=block a", "bad-option"),
            ("OPEN kind= a", "bad-option"), ("OPEN kind=topic a", "bad-option"), ("OPEN kind=ONCE a", "bad-option"),
            ("OPEN kind=once kind=once a", "bad-option"), ("OPEN timeout=1s a", "bad-option"),
            ("OPEN eof=wait a", "bad-option"),
            ("OPEN ", "syntax"), ("OPEN cap=1", "syntax"), ("OPEN a b", "syntax"),
            ("OPEN  a", "syntax"),
            ("OPEN -a", "bad-name"), ("OPEN a!", "bad-name"), ("OPEN a cap=1", "syntax"),
        ])
    func badDeclarationsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test("CLOSE names a channel")
    func channelsAreClosed() throws {
        #expect(try command("CLOSE jobs") == .close(try channel("jobs")))
        #expect(try command("close a/b") == .close(try channel("a/b")))
    }

    @Test(
        "POISON takes the rest of the line as its reason",
        arguments: [
            ("POISON jobs", nil), ("POISON jobs ", nil), ("POISON jobs it broke", "it broke"),
            ("poison jobs  x ", " x "),
            ("POISON jobs end=send", "end=send"), ("POISON jobs a | b", "a | b"), ("POISON jobs ünï", "ünï"),
            ("POISON jobs a\tb\u{0}", "a\tb\u{0}"),
        ])
    func aPoisonMayHaveAReason(_ line: String, _ reason: String?) throws {
        #expect(try command(line) == .poison(try channel("jobs"), reason))
    }

    @Test("Invalid UTF-8 in a reason is replaced")
    func aReasonIsMadeText() throws {
        let steps = RequestFeed.steps(of: Body("POISON a x") + [0xFF] + Body("y\n"))
        #expect(steps.map(\.command) == [.poison(try channel("a"), "x\u{FFFD}y")])
    }

    @Test(
        "An invalid CLOSE or POISON is refused",
        arguments: [
            ("CLOSE ", "syntax"), ("CLOSE  a", "syntax"), ("CLOSE a b", "syntax"),
            ("CLOSE -a", "bad-name"), ("CLOSE kind=once a", "bad-option"), ("CLOSE timeout=1s a", "bad-option"),
            ("POISON ", "syntax"), ("POISON  a", "syntax"), ("POISON -a", "bad-name"), ("POISON a! b", "bad-name"),
            ("POISON reason=x a", "bad-option"), ("POISON timeout=1s a", "bad-option"),
        ])
    func badEndingsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test("JOIN and LEAVE name an end of a channel", arguments: ChannelEnd.Side.allCases)
    func endsAreJoinedAndLeft(_ side: ChannelEnd.Side) throws {
        let end = ChannelEnd(side, of: try channel("jobs"))
        #expect(try command("JOIN end=\(side.rawValue) jobs") == .join(JoinCommand(end)))
        #expect(try command("leave END=\(side.rawValue) jobs") == .leave(end))
        for policy in DeathPolicy.allCases {
            let expected = Command.join(JoinCommand(end, onDeath: policy))
            #expect(try command("JOIN end=\(side.rawValue) on-death=\(policy.rawValue) jobs") == expected)
            #expect(try command("join ON-DEATH=\(policy.rawValue) End=\(side.rawValue) jobs") == expected)
        }
    }

    @Test(
        "An invalid JOIN or LEAVE is refused",
        arguments: [
            ("JOIN jobs", "syntax"), ("JOIN on-death=retire jobs", "syntax"), ("JOIN end=send", "syntax"),
            ("JOIN end=send ", "syntax"), ("JOIN end=send a b", "syntax"),
            ("JOIN end=send -a", "bad-name"), ("JOIN end= a", "bad-option"), ("JOIN end=receive a", "bad-option"),
            ("JOIN end=SEND a", "bad-option"), ("JOIN end=send end=recv a", "bad-option"),
            ("JOIN end=send on-death= a", "bad-option"), ("JOIN end=send on-death=close a", "bad-option"),
            ("JOIN end=send on-death=retire on-death=retire a", "bad-option"),
            ("JOIN end=send ondeath=retire a", "bad-option"),
            ("JOIN end=send timeout=1s a", "bad-option"), ("LEAVE jobs", "syntax"), ("LEAVE end=send", "syntax"),
            ("LEAVE end=send a b", "syntax"), ("LEAVE end=send -a", "bad-name"), ("LEAVE end=x a", "bad-option"),
            ("LEAVE end=send end=send a", "bad-option"), ("LEAVE end=send on-death=retire a", "bad-option"),
        ])
    func badEndsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test("BARRIER takes parties=, timeout= and eof=", arguments: [1, 2, Int.max])
    func barriersHaveParties(_ parties: Int) throws {
        let gate = try channel("gate")
        #expect(try command("BARRIER parties=\(parties) gate") == .barrier(BarrierCommand(gate, parties: parties)))
        let expected = BarrierCommand(gate, parties: parties, timeout: .seconds(1), waitsAfterEOF: true)
        #expect(try command("BARRIER parties=\(parties) timeout=1s eof=wait gate") == .barrier(expected))
        #expect(try command("barrier EOF=wait TIMEOUT=1000ms PARTIES=\(parties) gate") == .barrier(expected))
    }

    @Test(
        "An invalid BARRIER is refused",
        arguments: [
            ("BARRIER gate", "syntax"), ("BARRIER timeout=1s gate", "syntax"), ("BARRIER parties=2", "syntax"),
            ("BARRIER parties=2 ", "syntax"), ("BARRIER parties=2 a b", "syntax"),
            ("BARRIER parties=2 -a", "bad-name"), ("BARRIER parties=0 a", "bad-number"),
            ("BARRIER parties= a", "bad-number"),
            ("BARRIER parties=-1 a", "bad-number"), ("BARRIER parties=01 a", "bad-number"),
            ("BARRIER parties=* a", "bad-number"), ("BARRIER parties=9223372036854775808 a", "bad-number"),
            ("BARRIER parties=2 parties=2 a", "bad-option"), ("BARRIER parties=2 lease=1s a", "bad-option"),
            ("BARRIER parties=2 timeout=1 a", "bad-number"), ("BARRIER parties=2 eof=x a", "bad-option"),
        ])
    func badBarriersAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }
}
