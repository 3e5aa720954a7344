import Foundation
import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceHub
@testable import SluiceWire

/// Checks `docs/protocol.md`: replays its transcripts, and finds every verb, word, value and limit in it.
@Suite(.serialized, .bounded) struct ProtocolDocumentTests {
    private let document = Document.wireProtocol

    /// The principals of the section about permissions, with the tokens w0rker and 0ps.
    private static let principals = """
        principals:
          worker:
            tokens: ["\(TokenDigest(of: "w0rker".utf8))"]
            allow: {recv: ["jobs/"], send: ["results/"], inspect: own}
          ops:
            tokens: ["\(TokenDigest(of: "0ps".utf8))"]
            allow: {"*": [""], inspect: all, trace: [""], kill: all}
          # The player asks without authentication what waits.
          anonymous: {allow: {inspect: all}}
        """

    @Test(
        "The daemon answers as the transcripts show",
        arguments: Document.wireProtocol.transcripts, TranscriptPlayer.Manner.allCases)
    func transcriptsReplay(transcript: Transcript, manner: TranscriptPlayer.Manner) throws {
        let users = TemporaryFile("users", containing: "alice s3cret\n")
        let principals = TemporaryFile("principals.yaml", containing: Self.principals)
        let environment: [String: String] =
            switch transcript.heading {
            case Verb.authenticate.rawValue: ["SLUICED_USERS_FILE": users.path]
            case "Permissions": ["SLUICED_PRINCIPALS_FILE": principals.path]
            default: [:]
            }
        let daemon = try Daemon(environment: environment)
        try TranscriptPlayer(daemon, manner).play(transcript)
        try daemon.expectEnd(after: SIGTERM)
    }

    // MARK: Verbs

    @Test("Every verb has a section with a transcript", arguments: Verb.allCases)
    func verbHasTranscript(verb: Verb) throws {
        let section = try document.section(verb.rawValue)
        let lines = section.transcripts.flatMap(\.sentLines)
        let showsIt = lines.contains { $0.wholeMatch(of: #/(#\S+ )?(\w+)( .*)?/#)?.2.uppercased() == verb.rawValue }
        #expect(showsIt)
    }

    @Test("The section of a verb shows the forms that HELP shows", arguments: Verb.allCases)
    func sectionShowsUsage(verb: Verb) throws {
        #expect(try document.section(verb.rawValue).block("text") == HelpEntry(verb, Limits()).usage)
    }

    @Test("The section of a verb explains its options", arguments: Verb.allCases)
    func sectionExplainsOptions(verb: Verb) throws {
        let text = try document.section(verb.rawValue).text
        let explanation = text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 0 }
        for usage in HelpEntry(verb, Limits()).usage {
            for option in usage.matches(of: #/([a-z-]+=)/#) where option.1 != "format=" {
                #expect(explanation.contains { $0.element.contains("`\(option.1)") }, "\(option.1)")
            }
        }
    }

    // MARK: Words

    @Test("The document has every reply word, error code and option") func documentHasEveryWord() throws {
        let replies = try document.section("Replies").rows.compactMap(\.first)
        for word in ReplyWord.allCases {
            #expect(replies.contains { $0.hasPrefix("`\(word.rawValue)") }, "\(word)")
        }
        let codes = try document.section("Errors").rows.compactMap(\.first)
        #expect(codes.filter { $0.hasPrefix("`") } == WireError.Code.all.map { "`\($0)`" })
        for key in OptionKey.allCases { expect("\(key.rawValue.lowercased())=") }
    }

    @Test("The document has every value of an option or report") func documentHasEveryValue() {
        Overflow.allCases.forEach { expect("overflow=\($0.rawValue)`") }
        ChannelDeclaration.Kind.allCases.forEach { expect("kind=\($0.rawValue)`") }
        SelectCommand.Order.allCases.forEach { expect("order=\($0.rawValue)`") }
        SendGoal.allCases.forEach { expect("until=\($0.rawValue)`") }
        ChannelEnd.Side.allCases.forEach { expect("end=\($0.rawValue)`") }
        DeathPolicy.allCases.forEach { expect("on-death=\($0.rawValue)`") }
        ReportFormat.allCases.forEach { expect("format=\($0.rawValue)`") }
        ChannelReport.State.allCases.forEach { expect("`\($0.rawValue)`") }
        WaiterReport.Operation.allCases.forEach { expect("`\($0.rawValue)`") }
        WaiterReport.State.allCases.forEach { expect("`\($0.rawValue)`") }
        WaitCycle.Certainty.allCases.forEach { expect("`\($0.rawValue)`") }
        WaitStep.Operation.allCases.forEach { expect("`\($0.rawValue)`") }
        ConnectionEnding.allCases.forEach { expect("`\($0.rawValue)`") }
    }

    private func expect(_ text: String, location: SourceLocation = #_sourceLocation) {
        let isThere = document.flowingText.contains(text)
        #expect(isThere, "the document does not contain \(text)", sourceLocation: location)
    }

    // MARK: Limits

    /// Each limit by the name of its property: its caption in the document and its default.
    private static let limits: [String: (caption: String, value: String)] = {
        let hub = HubLimits()
        let wire = hub.wire
        return [
            "maxLineBytes": ("a line, without its end and its bodies", bytes(wire.maxLineBytes)),
            "maxBodyBytes": ("the bodies and texts of one command together", bytes(wire.maxBodyBytes)),
            "maxDiscardBytes": ("refused bodies that the server skips after one line", bytes(wire.maxDiscardBytes)),
            "maxSelectArms": ("the arms of a select, including `else`", number(wire.maxSelectArms)),
            "maxPendingTags": ("pending tagged commands of a connection", number(wire.maxPendingTags)),
            "maxWindow": ("`window=`", number(wire.maxWindow)),
            "maxCapacity": ("`cap=`", number(wire.maxCapacity)),
            "maxConnections": ("connections", number(hub.maxConnections)),
            "maxConnectionsPerAddress": ("connections from one address", number(hub.maxConnectionsPerAddress)),
            "maxConnectionsPerPrincipal": ("connections of one principal", number(hub.maxConnectionsPerPrincipal)),
            "inputBytes": ("input of a connection that the server reads ahead", bytes(hub.inputBytes)),
            "outputBytes": ("unread replies up to which the server reads further commands", bytes(hub.outputBytes)),
            "backlogBytes": ("unread replies of a connection in all", bytes(hub.backlogBytes)),
            "lineTimeout": (
                "the time to finish a line, and between two pieces of a body", time(hub.lineTimeout)
            ),
            "authenticationTimeout": (
                "the time until `AUTH`, if clients without a principal may do nothing", time(hub.authenticationTimeout)
            ),
            "authenticationBytes": ("input before `AUTH`", bytes(hub.authenticationBytes)),
            "authenticationCommands": (
                "commands before `AUTH`, besides `QUIT`", number(hub.authenticationCommands)
            ),
            "stallTimeout": (
                "the time for which a client may read no reply", time(hub.stallTimeout)
            ),
            "silenceTimeout": (
                "the time for which a client's host may answer nothing, or have no room for what it was sent",
                hub.silenceTimeout.map(time) ?? "any time"
            ),
            "probeInterval": (
                "the interval of checks on a client that the server does not read from", time(hub.probeInterval)
            ),
            "lingerTimeout": ("the time for the client to close after the last reply", time(hub.lingerTimeout)),
            "memory": ("memory that all clients make the server use", bytes(hub.memory)),
            "memoryPerHolder": ("memory of the connections of one principal or address", "half of that"),
            "memoryPerConnection": ("memory of one connection", "an eighth of it"),
            "guaranteedMemory": ("memory up to which a connection may use the reserves", bytes(hub.guaranteedMemory)),
            "parkedBytes": (
                "messages of a connection's pending sends", bytes(hub.parkedBytes)
            ),
            "keptBytes": ("messages that all channels keep together", bytes(hub.keptBytes)),
            "maxLeases": (
                "leases of a connection, including the windows of its counted receives", number(hub.maxLeases)
            ),
            "maxDeclaredChannels": (
                "channels that a connection has declared with `OPEN`", number(hub.maxDeclaredChannels)
            ),
            "maxEnds": ("ends that a connection has joined", number(hub.maxEnds)),
            "maxTracers": ("`TRACE`s of one connection at a time", number(hub.maxTracers)),
            "reportRows": ("rows of a report", number(hub.reportRows)),
            "tombstoneLife": ("the time for which the name of an ended channel is kept", time(hub.tombstoneLife)),
            "maxTombstones": ("names of ended channels that are kept", number(hub.maxTombstones)),
            "sendMemoryLife": ("the time for which a delivered message's id is remembered", time(hub.sendMemoryLife)),
            "maxRememberedSends": ("ids of delivered messages that are remembered", number(hub.maxRememberedSends)),
            "drainTimeout": (
                "the time for which a draining server waits for messages under a lease", time(hub.drainTimeout)
            ),
        ]
    }()

    /// The limits that cannot be changed.
    private static let constants: [(caption: String, value: String)] = [
        ("a name", "\(Limits.maxNameBytes) bytes"),
        ("a tag, without its `#`", "\(Limits.maxTagBytes) bytes"),
        ("an id of a message", "\(Limits.maxMessageIDBytes) bytes"),
        ("a duration", "\(Limits.maxDuration.components.seconds / (365 * 24 * 3600)) years"),
        ("a reason or an error's text in a reply", "\(Limits.maxReasonBytes) bytes"),
        ("selects that wait with the id of a send that is still pending", number(AttachedSenders.mostUncommitted)),
        (
            "counted receives on a channel that becomes a broadcast while some of them are paused",
            number(HubStateMachine.mostPausedBeforeBroadcast)
        ),
        ("selects of a connection whose last arm `order=fair` remembers", number(FairMemory.capacity)),
        ("answers to calls with an id that are kept for a connection", "a quarter of its memory"),
        ("names used by a connection that `STUCK` remembers", number(ChannelUsage.capacity)),
    ]

    @Test("The document has every limit with its default") func documentHasEveryLimit() throws {
        let rows = try document.section("Limits").rows.dropFirst(2).map { Array($0.prefix(2)) }
        let expected = (Self.limits.values + Self.constants).map { [$0.caption, $0.value] }
        #expect(rows.sorted { $0[0] < $1[0] } == expected.sorted { $0[0] < $1[0] })
        let names = [Mirror(reflecting: Limits()), Mirror(reflecting: HubLimits())]
            .flatMap { $0.children.compactMap(\.label) }
        #expect(Set(names).subtracting(["wire", "turnSteps"]) == Set(Self.limits.keys))
    }

    private static func bytes(_ count: Int) -> String { String(readableBytes: count) }

    private static func number(_ number: Int) -> String {
        number == .max ? "any number" : number < 10_000 ? String(number) : String(readable: number)
    }

    private static func time(_ time: Duration) -> String { "\(time.components.seconds) s" }

    @Test("The limits that the text mentions have the right values") func textMentionsRightLimits() {
        let hub = HubLimits()
        expect("at the latest \(Self.time(hub.drainTimeout))econds later")
        expect("for \(Self.time(hub.sendMemoryLife))econds, and at most")
        expect("\(Self.number(hub.maxRememberedSends)) messages")
        expect("for \(Self.time(hub.tombstoneLife))econds, so that")
        expect("most \(Self.number(hub.maxTombstones)) such names")
        expect("are less than \(Self.bytes(hub.outputBytes)); so")
        expect("at most \(Self.number(hub.reportRows)) rows")
        expect("the last \(FairMemory.capacity) of a connection")
        expect("the last \(ChannelUsage.capacity) names")
        expect("cut at \(Limits.maxReasonBytes) bytes")
        #expect(Document.clients.flowingText.contains("ends the connection after \(Self.time(hub.stallTimeout))econds"))
    }
}
