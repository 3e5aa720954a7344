import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Lines that repeat the one before, which are recognised without parsing, do what all other lines do.
@Suite(.bounded) struct RepeatedLineTests {
    /// Two spellings of a send: one without options, and one that waits for a limited time.
    enum Spelling: String, CaseIterable {
        case plain = "SEND"
        case withOption = "SEND timeout=1h"

        func line(_ channel: String, _ text: String, tag: String = "") -> String {
            "\(tag)\(rawValue) \(channel) \(text)\n"
        }
    }

    @Test("The receiver gets the message and the sender its reply", arguments: Spelling.allCases)
    func aReceiverGetsTheMessageAndTheSenderItsReply(_ spelling: Spelling) throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("RECV c\n#a RECV d\n")
            try await service.parked(1)
            // The first line of a connection is never handed over directly.
            try await sender.say("PING\n" + spelling.line("c", "one two", tag: "#s ") + spelling.line("d", "3"))
            try await sender.hear("OK\n#s OK\n")
            try await receiver.hear("MSG c 7\none two\n")
            try await receiver.hear("#a MSG d 1\n3\n")
            try await sender.hear("OK\n")
            // The tag is free again, and no command holds up the next one.
            try await receiver.say("#a PING\n")
            try await receiver.hear("#a OK\n")
            #expect(service.hub.look { $0.machine.totals.handoffs } == 2)
            #expect(service.hub.channelCount == 0)
        }
    }

    @Test(
        "A repeated send goes to its own channel, whatever came between",
        arguments: [
            "SEND len=1 b\nX\n", "SEND timeout=5s b X\n", "#t SEND b X\n", "SELECT send b X\n",
            "SEND  b X\nSEND len=1 b\nX\n", "NACK 1.0\n",
        ])
    func aRepeatedSendGoesToItsOwnChannel(between: String) throws {
        try HubService.run { service in
            let (sender, a, b) = (
                try await service.connect(), try await service.connect(), try await service.connect()
            )
            // The sender holds a message of b, which NACK gives to the receiver of b.
            try await a.say("SEND b X\n")
            try await service.parked(1)
            try await sender.say("RECV lease=1h b\n")
            try await sender.hear("MSG b 1 did=1.0 attempt=1 fence=44040193\nX\n")
            let receiver = try await service.connect()
            try await receiver.say("#a RECV count=* a\n")
            try await service.parked(2)
            try await b.say("#b RECV count=* b\n")
            try await service.parked(3)
            try await sender.say("SEND a 1\nSEND a 2\n\(between)SEND a 3\nSEND a 4\n")
            for number in 1...4 { try await receiver.hear("#a MSG a 1\n\(number)\n") }
            try await b.hear("#b MSG b 1\nX\n")
        }
    }

    @Test("Counted receives take turns", arguments: Spelling.allCases)
    func countedReceivesTakeTurns(_ spelling: Spelling) throws {
        try HubService.run { service in
            let sender = try await service.connect()
            let receivers = [try await service.connect(), try await service.connect(), try await service.connect()]
            for (number, receiver) in receivers.enumerated() {
                try await receiver.say("#r RECV count=* c\n")
                try await service.parked(number + 1)
            }
            try await sender.say("PING\n" + (0..<9).map { spelling.line("c", "\($0)") }.joined())
            try await sender.hear(String(repeating: "OK\n", count: 10))
            for (number, receiver) in receivers.enumerated() {
                for round in 0..<3 { try await receiver.hear("#r MSG c 1\n\(3 * round + number)\n") }
            }
        }
    }

    @Test("Many sends in one write reach their receivers in order", arguments: Spelling.allCases)
    func manySendsInOneWriteReachTheirReceivers(_ spelling: Spelling) throws {
        try HubService.run { service in
            let (sender, first, second) = (
                try await service.connect(), try await service.connect(), try await service.connect()
            )
            try await first.say("#r RECV count=* c\n")
            try await second.say("#r RECV count=* d\n")
            try await service.parked(2)
            // Runs of several lengths to each receiver, some of them with tags.
            let channels = (0..<300).map { $0 % 7 < 5 || $0 % 30 > 20 ? "c" : "d" }
            let tags = (0..<300).map { $0 % 11 == 3 || $0 % 60 > 40 ? "#\($0) " : "" }
            let lines = (0..<300).map { spelling.line(channels[$0], "number \(1000 + $0)", tag: tags[$0]) }
            try await sender.say(lines.joined())
            try await sender.hear(tags.map { "\($0)OK\n" }.joined())
            for (name, receiver) in [("c", first), ("d", second)] {
                for number in 0..<300 where channels[number] == name {
                    try await receiver.hear("#r MSG \(name) 11\nnumber \(1000 + number)\n")
                }
            }
            #expect(service.hub.look { $0.machine.totals.handoffs } == 300)
        }
    }

    @Test("A receiver with little output gets every message", arguments: Spelling.allCases)
    func aSlowReaderGetsEveryMessage(
        _ spelling: Spelling
    ) throws {
        var limits = HubLimits()
        limits.outputBytes = 2048
        try HubService.run(limits: limits) { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("#r RECV count=* c\n")
            try await service.parked(1)
            let count = 3000
            service.reactor.spawn("sender") {
                try await sender.say("PING\n")
                for number in 0..<count { try await sender.say(spelling.line("c", "\(number)")) }
                try await sender.hear(String(repeating: "OK\n", count: count + 1))
            }
            for number in 0..<count { try await receiver.hear("#r MSG c \("\(number)".utf8.count)\n\(number)\n") }
        }
    }

    @Test("The handoff appears in traces and reports", arguments: Spelling.allCases)
    func theHandoffIsTracedAndReported(_ spelling: Spelling) throws {
        try HubService.run { service in
            let (sender, receiver, tracer) = (
                try await service.connect(), try await service.connect(), try await service.connect()
            )
            try await sender.say("NAME s\n")
            try await sender.hear("OK\n")
            try await receiver.say("NAME r\nRECV c\n")
            try await receiver.hear("OK\n")
            try await service.parked(1)
            try await tracer.say("#t TRACE\n")
            try await service.parked(2)
            try await sender.say(spelling.line("c", "x"))
            try await sender.hear("OK\n")
            try await receiver.hear("MSG c 1\nx\n")
            let line = try await tracer.hearLine()
            #expect(line.hasPrefix("#t DATA "))
            #expect(
                service.hub.look { state in state.machine.usesOfNames } == [
                    "r receive c", "s send c",
                ])
        }
    }

    @Test("Messages keep their order among other commands", arguments: Spelling.allCases)
    func messagesKeepTheirOrderAmongOtherCommands(_ spelling: Spelling) throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("#a RECV a\n#b RECV lease=1h b\n#c RECV count=* c\n")
            try await service.parked(3)
            try await sender.say(
                "PING\n" + spelling.line("c", "1") + "SEND len=1 a\n2\n" + spelling.line("c", "3")
                    + "#b SEND b 4\n" + spelling.line("c", "5") + "CANCEL #b\n")
            try await receiver.hear(
                "#c MSG c 1\n1\n#a MSG a 1\n2\n#c MSG c 1\n3\n#b MSG b 1 did=1.0 attempt=1 fence=44040193\n4\n#c MSG c 1\n5\n"
            )
            try await sender.hear("OK\nOK\nOK\nOK\nOK\n")
        }
    }

    @Test("A client that receives its own message gets the reply to the send first", arguments: Spelling.allCases)
    func aMessageToOneselfComesAfterItsReply(_ spelling: Spelling) throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#r RECV c\n" + spelling.line("c", "x") + "#r RECV c\n" + spelling.line("c", "y"))
            try await client.hear("OK\n#r MSG c 1\nx\nOK\n#r MSG c 1\ny\n")
        }
    }

    @Test("A client that quits gets its message and the reply to QUIT")
    func aClientThatQuitsGetsItsMessageAndItsLastReply() throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await sender.say("PING\n")
            try await sender.hear("OK\n")
            try await receiver.say("#r RECV c\n#q QUIT\n")
            try await service.parked(1)
            try await sender.say("SEND c x\n")
            try await sender.hear("OK\n")
            try await receiver.hear("#r MSG c 1\nx\n#q OK\n")
            try await receiver.hearEnd()
        }
    }

    @Test(
        "Lines that only resemble a send are answered as usual",
        arguments: [
            "SEND c\n", "SEND c \n", "SEND  c x\n", "SEND -c x\n", "SEND c/é x\n", "#\u{7f} SEND c x\n",
            "# SEND c x\n", "SENT c x\n", "SEND\n", "SEND \n", "S\n", "#a\n",
        ])
    func linesThatResembleASendAreParsedAsUsual(line: String) throws {
        try HubService.run { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            try await receiver.say("#r RECV count=* c\n")
            try await service.parked(1)
            // As one piece and as two pieces, which takes both ways through the parser.
            var replies: [String] = []
            for pieces in [[line], [String(line.prefix(1)), String(line.dropFirst())]] {
                try await sender.say("NAME a\n")
                try await sender.hear("OK\n")
                for piece in pieces {
                    try await sender.say(piece)
                    for _ in 0..<3 { await Task.yield() }
                }
                try await sender.say("#end PING\n")
                var reply = ""
                while case let next = try await sender.hearLine(), next != "#end OK" { reply += next + "\n" }
                replies.append(reply)
            }
            #expect(replies[0] == replies[1])
            #expect(!replies[0].isEmpty)
        }
    }
}

extension HubStateMachine {
    /// The uses of channels by clients, as text.
    fileprivate var usesOfNames: [String] {
        var uses: [String] = []
        clients.forEach { _, client in
            for place in client.usage.entries {
                uses.append("\(client.label?.description ?? "-") \(place.use) \(place.name)")
            }
        }
        return uses.sorted()
    }
}
