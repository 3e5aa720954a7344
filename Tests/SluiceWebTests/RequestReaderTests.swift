import Testing

@testable import SluiceWeb

/// Splitting input into requests.
@Suite struct RequestReaderTests {
    private static let limit = 100

    /// The result of reading input that comes in pieces: the path and the body of each request, or a status.
    private func found(_ text: String, inPiecesOf size: Int) -> [String] {
        var reader = RequestReader()
        var found: [String] = []
        var head: RequestHead?
        var rest = Array(text.utf8)[...]
        do throws(Refusal) {
            while !rest.isEmpty {
                Array(rest.prefix(size)).withUnsafeBytes { reader.receive($0) }
                rest = rest.dropFirst(size)
                while true {
                    if let present = head {
                        guard let body = try reader.nextBody() else { break }
                        found.append("\(present.target.path) \(String(decoding: body, as: UTF8.self))")
                        head = nil
                    } else {
                        head = try reader.nextHead()
                        guard let head else { break }
                        try reader.beginBody(of: head, atMost: Self.limit)
                    }
                }
            }
        } catch {
            found.append("\(error.status.rawValue)")
        }
        return found
    }

    private func expect(_ text: String, _ expected: [String]) {
        for size in [1, 2, 3, 7, 40, 10_000] { #expect(found(text, inPiecesOf: size) == expected, "\(size)") }
    }

    private func post(_ path: String, _ headers: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: h\r\n\(headers)\r\n\r\n\(body)"
    }

    @Test("Bodies with a length, in chunks, and none follow one another, however the input is cut")
    func mixed() {
        expect(
            post("/a", "Content-Length: 5", "hello")
                + post("/b", "Transfer-Encoding: chunked", "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")
                + post("/c", "Content-Length: 0", "")
                + post("/d", "Transfer-Encoding: Chunked", "00000000\r\nX: y\r\nZ: w\r\n\r\n")
                + post("/e", "X: y", "") + "\r\n\r\n" + post("/f", "Content-Length: 2", "\r\n"),
            ["/a hello", "/b hello world", "/c ", "/d ", "/e ", "/f \r\n"])
    }

    @Test(
        "Chunks that two readers could understand differently are refused",
        arguments: [
            "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "000000005\r\nhello\r\n0\r\n\r\n",
            "5;a\rb\r\nhello\r\n0\r\n\r\n", "5;a\0\r\nhello\r\n0\r\n\r\n", "0\r\n\n", "0\r\nX: y\n\r\n", "zz\r\n",
        ])
    func ambiguous(body: String) {
        expect(post("/a", "Transfer-Encoding: chunked", body), ["400"])
    }

    @Test("A body of more than the limit is refused as soon as it is announced")
    func limits() {
        expect(post("/a", "Content-Length: 101", ""), ["413"])
        expect(post("/a", "Transfer-Encoding: chunked", "65\r\n"), ["413"])
        expect(
            post("/a", "Transfer-Encoding: chunked", "64\r\n\(String(repeating: "x", count: 100))\r\n1\r\n"), ["413"])
        expect(post("/a", "Transfer-Encoding: chunked", "ffffffff\r\n"), ["413"])
        let trailer = "X: \(String(repeating: "y", count: 200))\r\n"
        expect(
            post("/a", "Transfer-Encoding: chunked", "0\r\n" + String(repeating: trailer, count: 100)), ["431"])
        expect(post("/a", "Transfer-Encoding: chunked", String(repeating: "0", count: 300)), ["400"])
    }

    @Test("A head of more than 16 KiB is refused, even before its end has arrived")
    func longHead() {
        let long = String(repeating: "x", count: 17_000)
        #expect(found("GET / HTTP/1.1\r\nHost: h\r\nX: \(long)\r\n\r\n", inPiecesOf: 20_000) == ["431"])
        #expect(found("GET / HTTP/1.1\r\nHost: h\r\nX: \(long)", inPiecesOf: 1000) == ["431"])
    }
}
