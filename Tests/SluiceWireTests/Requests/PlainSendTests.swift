import Testing

@testable import SluiceWire

/// Sends that are not made commands of: what is seen in the line is what the command would say.
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

    /// What a plain send says; nil where there is none at the beginning of the text.
    private func seen(in text: String, after other: String?) -> [String]? {
        var parser = RequestParser(limits: Limits())
        // The first line of a connection may be that of another protocol, and is looked at more closely.
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

    @Test(arguments: lines) func saysWhatTheCommandSays(line: String) {
        guard case .request(let request) = Conversation.steps(of: line + "\n").first,
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

    @Test(arguments: others) func isNothingElse(line: String) {
        #expect(seen(in: line, after: nil) == nil)
    }

    /// Whatever came before, and is taken for the pattern.
    @Test(arguments: lines + others, lines) func isSeenTheSameBehindAnother(line: String, other: String) {
        #expect(seen(in: line, after: other) == seen(in: line, after: nil))
    }
}
