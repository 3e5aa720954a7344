import SluiceWire
import Testing

@Suite struct NameTests {
    @Test(
        "Valid channel names are accepted",
        arguments: ["a", "A.b_c:d/e-f", "9", ".", "..", "/", ":", "_", "jobs/2024-01", "a-"])
    func goodChannelNames(_ text: String) throws {
        #expect(ChannelName(text)?.description == text)
        let steps = RequestFeed.steps(of: "RECV \(text)\n")
        #expect(steps.first?.command == .receive(ReceiveCommand(channel: try channel(text))))
    }

    @Test(
        "Invalid channel names are refused",
        arguments: [
            "-", "-a", "a b", "a!", "ä", "a\u{0}", "a=b", "a|b", "#a", "a,b", "a*", "a\u{7F}", "a\u{301}",
        ])
    func badChannelNames(_ text: String) {
        #expect(ChannelName(text) == nil)
        #expect(RequestFeed.steps(of: "RECV \(text)\n").first?.command == nil)
    }

    @Test("Names and tags are not empty and hold no line feed")
    func noNameIsEmptyOrEndsALine() {
        #expect(ChannelName("a\n") == nil)
        #expect(ChannelName("") == nil)
        #expect(Tag("") == nil)
    }

    @Test("Names and tags are case-sensitive")
    func namesHaveCase() {
        #expect(ChannelName("jobs") != ChannelName("JOBS"))
        #expect(Tag("a") != Tag("A"))
    }

    @Test("Names made in code and names on the wire follow the same rules")
    func everyByteIsJudgedAlikeInTextAndOnTheWire() {
        for byte in UInt8(1)...127 where byte != 0x0A && byte != 0x0D && byte != 0x20 {
            let text = "a" + String(UnicodeScalar(byte))
            let channel = RequestFeed.steps(of: "RECV \(text)\n").first?.command != nil
            #expect(channel == (ChannelName(text) != nil))
            let tag = RequestFeed.steps(of: "#\(text) PING\n").first?.command != nil
            #expect(tag == (Tag(text) != nil))
        }
    }

    @Test("Valid tags are accepted", arguments: ["a", "A.b_9-z", "-", "--a", "."])
    func goodTags(_ text: String) {
        #expect(Tag(text)?.description == text)
    }

    @Test("Invalid tags are refused", arguments: ["#a", "a:b", "a/b", "a b", "ä", "a\n"])
    func badTags(_ text: String) {
        #expect(Tag(text) == nil)
    }
}
