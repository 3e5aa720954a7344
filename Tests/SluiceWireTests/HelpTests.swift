import SluiceWire
import Testing

@Suite struct HelpTests {
    private func text(_ verb: Verb?, _ limits: Limits = Limits()) -> String {
        String(decoding: Help(limits: limits).body(for: verb), as: UTF8.self)
    }

    @Test(arguments: [nil] + Verb.allCases.map(Optional.some))
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

    @Test func theListHasEveryVerb() {
        for verb in Verb.allCases {
            #expect(text(nil).split(separator: "\n").contains { $0.hasPrefix("  \(verb.rawValue) ") })
        }
    }

    @Test(arguments: Verb.allCases)
    func everyPageBeginsWithTheVerb(_ verb: Verb) {
        #expect(text(verb).hasPrefix(verb.rawValue))
    }

    @Test func limitsAreThoseInForce() {
        let limits = Limits(maxLineBytes: 1234, maxBodyBytes: 2345, maxSelectArms: 34, maxPendingTags: 456)
        #expect(text(nil, limits).contains("1234"))
        #expect(text(nil, limits).contains("2345"))
        #expect(text(.send, limits).contains("2345"))
        #expect(text(.select, limits).contains("34"))
        #expect(text(.cancel, limits).contains("456"))
    }
}
