import Testing

@testable import SluiceWire

@Suite struct PercentEncodingTests {
    @Test(
        "Any text is one word of visible ASCII, and can be read back",
        arguments: [
            ("attempts", "attempts"), ("it is 5%", "it%20is%205%25"), ("ü\n", "%C3%BC%0A"), ("", ""), ("a=b", "a%3Db"),
        ])
    func anyTextIsAWord(text: String, word: String) {
        #expect(PercentEncoding.encode(text) == word)
        #expect(PercentEncoding.decode(word) == text)
    }

    @Test("A percent sign without two digits stands for itself", arguments: ["%", "a%", "%4", "%zz", "100%x"])
    func aLonePercentSignStays(text: String) {
        #expect(PercentEncoding.decode(text) == text)
    }

    @Test("The origin of a dead letter is read from its attributes")
    func theOriginIsRead() {
        let attributes: Attributes = [
            Attribute(.from, encoding: "jobs"), Attribute(.attempts, 3), Attribute(.reason, encoding: "no, never"),
        ]
        let origin = RejectedOrigin(attributes)
        #expect(origin?.channel == "jobs")
        #expect(origin?.attempts == 3)
        #expect(origin?.reason == "no, never")
        #expect(origin?.id == nil)
        #expect(RejectedOrigin([]) == nil)
    }
}
