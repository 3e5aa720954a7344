import CHTTPParser

/// The head of a request: its first line and its headers.
struct RequestHead: Sendable, Equatable {
    /// The most bytes of a head.
    static let maxBytes = 16 << 10
    /// The most bytes of a header that the server compares with something.
    static let maxComparedBytes = 1000
    /// The headers that the server compares with something. Comparing characters, and not bytes, is slow.
    private static let compared: Set = [
        "host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-purpose", "purpose", "x-moz",
        "sluice-request", "user-agent", "idempotency-key", "expect", "transfer-encoding", "connection", "upgrade",
        "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
    ]

    var method: String
    var target: RequestTarget
    /// The headers in their order, with names in lower case.
    var headers: [(name: String, value: String)]
    /// Whether the client may send a further request on the connection.
    var keepsAlive: Bool
    /// Whether the client speaks HTTP/1.1, and not HTTP/1.0.
    var isHTTP1_1: Bool
    /// The length of the body, unless it comes in chunks.
    var contentLength: Int
    /// Whether the body comes in chunks.
    var isChunked = false
    /// The length of the head.
    var byteCount = 0

    static func == (left: RequestHead, right: RequestHead) -> Bool {
        left.method == right.method && left.target == right.target && left.keepsAlive == right.keepsAlive
            && left.contentLength == right.contentLength && left.headers.map(\.name) == right.headers.map(\.name)
            && left.headers.map(\.value) == right.headers.map(\.value)
    }

    /// The value of a header; nil if there is none. If there are several, the first.
    subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Whether a body follows.
    var hasBody: Bool { isChunked || contentLength > 0 }

    /// Whether the client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool { self["expect"]?.lowercased() == "100-continue" }
}

extension RequestHead {
    /// Returns the length of the head at the beginning of `bytes`, with the empty line at its end; nil if it is not
    /// complete. A line that ends with LF alone ends the head as well, because such a head is refused.
    ///
    /// - Parameter start: the number of bytes that an earlier call has seen.
    static func length(in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        for index in start..<max(start, bytes.count) where bytes[index] == 0x0A {
            guard index > 0, bytes[index - 1] == 0x0D else { return index + 1 }
            if index >= 3, bytes[index - 2] == 0x0A, bytes[index - 3] == 0x0D { return index + 1 }
        }
        return nil
    }

    /// Parses a complete head; see ``init(parsing:)``.
    init(_ bytes: some Collection<UInt8>) throws(Refusal) {
        self = try Array(bytes).withUnsafeBytes { bytes -> Result<RequestHead, Refusal> in
            Result { () throws(Refusal) in try RequestHead(parsing: bytes) }
        }.get()
    }

    /// Parses a complete head.
    ///
    /// Refuses a head that a proxy and a server could read in different ways, because it could hide a second request.
    init(parsing bytes: UnsafeRawBufferPointer) throws(Refusal) {
        try Self.checkLines(bytes)
        var head = chttp_head()
        chttp_parse_head(&head, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        if let error = head.error {
            guard head.header_count < CHTTP_MAX_HEADERS else {
                throw Refusal(.headersTooLarge, "a request has at most \(CHTTP_MAX_HEADERS) headers")
            }
            guard head.has_unknown_method == 0 else {
                throw Refusal(.notImplemented, "the methods are GET, HEAD, POST, PATCH, DELETE and OPTIONS")
            }
            throw Refusal(.badRequest, "the request is malformed: \(String(cString: error))")
        }
        // The parser stops at the last byte.
        guard head.length >= bytes.count - 1 else { throw Refusal(.badRequest, "the request is malformed") }
        guard head.major == 1, head.minor <= 1 else {
            throw Refusal(.versionNotSupported, "use HTTP/1.1")
        }
        method = String(cString: head.method)
        target = try RequestTarget(head.target.string)
        headers = Self.headers(of: head)
        keepsAlive = head.keeps_alive != 0
        isHTTP1_1 = head.minor == 1
        contentLength = Int(exactly: head.content_length) ?? .max
        if head.has_content_length == 0 { contentLength = 0 }
        isChunked = head.has_transfer_encoding != 0
        byteCount = bytes.count
        try checkHeaders()
    }

    private static func headers(of head: chttp_head) -> [(name: String, value: String)] {
        withUnsafeBytes(of: head.names) { names in
            withUnsafeBytes(of: head.values) { values in
                let names = names.assumingMemoryBound(to: chttp_span.self)
                let values = values.assumingMemoryBound(to: chttp_span.self)
                return (0..<Int(head.header_count)).map { (names[$0].string.lowercased(), values[$0].string.trimmed) }
            }
        }
    }

    /// Refuses four things that http-parser accepts: lines that end with LF alone, headers that continue on a second
    /// line, control characters, and further blanks in the first line.
    private static func checkLines(_ bytes: UnsafeRawBufferPointer) throws(Refusal) {
        let firstLine = bytes.prefix { $0 != 0x0D }
        guard firstLine.count(where: { $0 == 0x20 || $0 == 0x09 }) <= 2 else {
            throw Refusal(.badRequest, "the first line of a request must have one blank between its three words")
        }
        var before: UInt8 = 0
        for byte in bytes {
            let isValid =
                switch byte {
                case 0x0A: before == 0x0D
                case 0x09, 0x20: before != 0x0A
                case 0x0D: before != 0x0D
                default: byte > 0x20 && byte < 0x7F || byte >= 0x80
                }
            guard isValid, before != 0x0D || byte == 0x0A else {
                throw Refusal(
                    .badRequest, "the lines of a request must end with CR LF and contain no control characters")
            }
            before = byte
        }
    }

    private func checkHeaders() throws(Refusal) {
        // http-parser accepts a blank before the colon.
        guard headers.allSatisfy({ !$0.name.contains(" ") }) else {
            throw Refusal(.badRequest, "the name of a header must not contain a blank")
        }
        for header in headers
        where header.value.utf8.count > Self.maxComparedBytes && Self.compared.contains(header.name) {
            throw Refusal(.headersTooLarge, "the header \(header.name) has at most \(Self.maxComparedBytes) bytes")
        }
        for name in [
            "host", "authorization", "content-length", "transfer-encoding", "expect", "origin", "sec-fetch-site",
            "idempotency-key",
        ]
        where headers.count(where: { $0.name == name }) > 1 {
            throw Refusal(.badRequest, "the header \(name) occurs twice")
        }
        if isChunked { try checkTransferEncoding() }
        if let expectation = self["expect"], expectation.lowercased() != "100-continue" {
            throw Refusal(.expectationFailed, "the only expectation that the server meets is 100-continue")
        }
    }

    /// Refuses every transfer encoding except `chunked`, and `chunked` where another parser could ignore it.
    private func checkTransferEncoding() throws(Refusal) {
        guard self["content-length"] == nil else {
            throw Refusal(.badRequest, "a request has Content-Length or Transfer-Encoding, not both")
        }
        guard isHTTP1_1 else { throw Refusal(.badRequest, "HTTP/1.0 has no Transfer-Encoding") }
        guard self["transfer-encoding"]?.lowercased() == "chunked" else {
            throw Refusal(.notImplemented, "the only Transfer-Encoding that the server takes is chunked")
        }
    }
}

extension chttp_span {
    fileprivate var string: String {
        guard let start else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
}

extension String {
    /// Without blanks and tabs at both ends.
    var trimmed: String {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }),
            let last = utf8.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(self[first...last])
    }
}
