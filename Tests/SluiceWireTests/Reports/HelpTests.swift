import SluiceWire
import Testing

@Suite struct HelpTests {
    private func text(_ verb: Verb?, _ limits: Limits = Limits()) -> String {
        String(decoding: Help(limits: limits).body(for: verb), as: UTF8.self)
    }

    @Test("Help texts fit a terminal of 80 by 24", arguments: [nil] + Verb.allCases.map(Optional.some))
    func textsFitATerminal(_ verb: Verb?) {
        let lines = text(verb).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 23)
        for line in lines {
            #expect(line.utf8.count <= 80, "\(line)")
            #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
            #expect(line.last != " ")
        }
        #expect(lines.last?.isEmpty == false)
    }

    @Test("The list has every verb")
    func theListHasEveryVerb() {
        for verb in Verb.allCases {
            #expect(text(nil).contains("  \(verb.rawValue) "), "\(verb)")
        }
    }

    @Test("Every page begins with its verb", arguments: Verb.allCases)
    func everyPageBeginsWithTheVerb(_ verb: Verb) {
        #expect(text(verb).hasPrefix(verb.rawValue))
    }

    @Test(
        "Every option is explained",
        arguments: [
            (
                Verb.send,
                [
                    "timeout=D", "id=X", "epoch=E", "until=accepted", "until=taken", "need=N", "delay=D", "eof=wait",
                    "len=N",
                ]
            ),
            (.call, ["timeout=D", "id=X", "epoch=E", "eof=wait", "len=N"]), (.acknowledge, ["len=N"]),
            (.receive, ["timeout=D", "lease=D", "count=N", "count=*", "window=N", "eof=wait"]),
            (
                .select,
                ["timeout=D", "order=fair", "order=first", "order=random", "eof=wait", "lease=D", "id=X", "parties=N"]
            ),
            (.barrier, ["parties=N", "timeout=D", "eof=wait"]), (.nack, ["delay=D"]),
            (.open, ["cap=N", "overflow=block", "overflow=drop-newest", "overflow=drop-oldest"]),
            (.open, ["kind=queue", "kind=broadcast", "kind=once"]),
            (.open, ["max-attempts=N", "dead=CHANNEL", "retry=D"]), (.redrive, ["count=N"]),
            (.join, ["end=send", "end=recv", "on-death=retire", "on-death=poison"]),
            (.leave, ["end=send", "end=recv"]),
            (.info, ["format=text", "format=json"]), (.channels, ["format=text", "format=json"]),
            (.waiters, ["format=text", "format=json"]), (.clients, ["format=text", "format=json"]),
            (.stuck, ["format=text", "format=json"]), (.trace, ["format=text", "format=json"]),
        ])
    func everyOptionIsExplained(_ verb: Verb, _ options: [String]) {
        let lines = text(verb).split(separator: "\n")
        for option in options {
            #expect(lines.contains { $0.hasPrefix(option + " ") || $0.contains(" " + option + " ") })
        }
    }

    @Test("Help texts show the configured limits")
    func limitsAreThoseInForce() {
        let limits = Limits(
            maxLineBytes: 1234, maxBodyBytes: 2345, maxSelectArms: 34, maxPendingTags: 456, maxWindow: 567,
            maxCapacity: 6789)
        #expect(text(nil, limits).contains("1234"))
        #expect(text(nil, limits).contains("2345"))
        #expect(text(.send, limits).contains("2345"))
        #expect(text(.select, limits).contains("34"))
        #expect(text(.cancel, limits).contains("456"))
        #expect(text(.receive, limits).contains("567"))
        #expect(text(.open, limits).contains("6789"))
    }
}
