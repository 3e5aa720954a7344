import Testing

@testable import SluiceWire

/// A plain send has the same contents as the command that the parser would create.
@Suite(.timeLimit(.minutes(10))) struct PlainSendTests {
    private static let lines = [
        "SEND jobs sweep", "send jobs sweep the yard", "SeNd jobs  two blanks", "SEND j x", "#7 SEND jobs sweep",
        "#a-long.tag_of-32-bytes-01234567 SEND jobs x", "SEND other sweep", "#7 SEND other SEND jobs sweep",
        "SEND jobs " + String(repeating: "x", count: 4000),
    ]
    private static let others = [
        "", "#", "# SEND jobs x", "#7", "#7 ", "#7 SEND", "SEND", "SEND ", "SEND jobs", "SEND jobs ", "SENDjobs x",
        "SEN jobs x", "SENDS jobs x", "RECV jobs", "#7 RECV jobs", "SEND jobs sweep\r", "SEND jobs x\r",
        "#7SEND jobs x",
        "#a,b SEND jobs x", "#a-tag-that-is-longer-than-tags-may SEND jobs x", "SEND\tjobs x",
    ]

    /// Returns the parts of the plain send at the beginning of the text, or nil if there is none.
    private func seen(in text: String, after other: String?) -> [String]? {
        var parser = RequestParser(limits: Limits())
        // The parser checks the first line of a connection for other protocols, so a PING goes first.
        var offset = 0
        _ = Array("PING\n".utf8).withUnsafeBytes { parser.next($0, offset: &offset) }
        return Array("\(other ?? "")\n".utf8).withUnsafeBytes { before in
            let last = parser.plainSend(in: before, at: 0)
            return Array("\(text)\n".utf8).withUnsafeBytes { input in
                parser.plainSend(in: input, at: 0, like: last).map { send in
                    [send.tag, send.channel, send.text].map { String(decoding: $0, as: UTF8.self) }
                        + ["\(send.lineBytes)"]
                }
            }
        }
    }

    @Test("A plain send has the same tag, channel and text as the parsed command", arguments: lines)
    func saysWhatTheCommandSays(line: String) {
        guard case .request(let request) = RequestFeed.steps(of: line + "\n").first,
            case .send(let command) = request.command
        else {
            Issue.record("\(line) is no send")
            return
        }
        #expect(command == SendCommand(channel: command.channel, body: command.body))
        let tag = request.tag.map { "#\($0)" } ?? ""
        let body = String(decoding: command.body, as: UTF8.self)
        #expect(seen(in: line, after: nil) == [tag, "\(command.channel)", body, "\(line.utf8.count + 1)"])
    }

    @Test("Other lines are not plain sends", arguments: others) func isNothingElse(line: String) {
        #expect(seen(in: line, after: nil) == nil)
    }

    @Test("The previous plain send does not change the result", arguments: lines + others, lines)
    func isSeenTheSameBehindAnother(line: String, other: String) {
        #expect(seen(in: line, after: other) == seen(in: line, after: nil))
    }
}
