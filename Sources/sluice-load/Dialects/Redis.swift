/// Redis: arrays of bulk strings there, RESP2 back.
enum Redis {
    static let pong = Array("+PONG\r\n".utf8)
    static let lineEnd = Array("\r\n".utf8)
    static let ping = command("PING")

    static func command(_ words: String...) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map(bulk).joined()).utf8)
    }

    static func bulk(_ word: String) -> String { "$\(word.utf8.count)\r\n\(word)\r\n" }

    /// A push of a body that follows, with a line end behind it.
    static func push(_ list: String, bodyBytes: Int) -> [UInt8] {
        Array("*3\r\n\(bulk("LPUSH"))\(bulk(list))$\(bodyBytes)\r\n".utf8)
    }

    /// From the end at which nobody pushes, so that the list is a queue; without a timeout.
    static func pop(_ list: String) -> [UInt8] { command("BRPOP", list, "0") }

    /// What a pop is answered with before the body.
    static func popped(_ list: String, bodyBytes: Int) -> [UInt8] { Array("*2\r\n\(bulk(list))$\(bodyBytes)\r\n".utf8) }

    /// The end of a push's answer, which is the length of the list; nil when it is not complete.
    static func endOfPushed(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        guard !bytes.isEmpty else { return nil }
        guard bytes[0] == UInt8(ascii: ":") else { throw bytes.unexpected(Array(":LENGTH".utf8), at: 0) }
        guard let (_, end) = try bytes.number(at: 1), try bytes.holds(lineEnd, at: end) != nil else { return nil }
        return end + lineEnd.count
    }
}
