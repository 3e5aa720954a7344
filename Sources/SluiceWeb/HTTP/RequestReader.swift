/// Splits the input of a connection into the heads and the bodies of requests. Does no I/O.
struct RequestReader {
    /// The most bytes that a client may send ahead of the request that is being served.
    static let mostBytesAhead = RequestHead.maxBytes

    /// Input that no request has taken.
    private var input: [UInt8] = []
    /// The bytes of the input that were searched for the end of a head.
    private var searchedBytes = 0
    /// The body that is arriving; nil between requests.
    private var body: RequestBody?

    /// Whether requests have taken all input.
    var isEmpty: Bool { input.isEmpty }
    /// Whether the client may send more bytes ahead of the request that is being served.
    var hasRoomAhead: Bool { input.count < Self.mostBytesAhead }
    /// The bytes of the input and of the body.
    var heldBytes: Int { input.count + (body?.heldBytes ?? 0) }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) { input += bytes }

    /// Takes the head of the next request; returns nil while it is not complete.
    ///
    /// - Throws: ``Refusal`` for a head that is malformed or too long. The rest of the input is unusable.
    mutating func nextHead() throws(Refusal) -> RequestHead? {
        // Some clients send a line end after a body.
        while input.starts(with: [0x0D, 0x0A]) {
            input.removeFirst(2)
            searchedBytes = max(0, searchedBytes - 2)
        }
        let length = input.withUnsafeBytes { RequestHead.length(in: $0, from: searchedBytes) }
        guard let length, length <= RequestHead.maxBytes else {
            searchedBytes = input.count
            guard length == nil, input.count <= RequestHead.maxBytes else {
                throw Refusal(.headersTooLarge, "the head of a request has at most \(RequestHead.maxBytes) bytes")
            }
            return nil
        }
        searchedBytes = 0
        let head = try RequestHead(input[..<length])
        input.removeFirst(length)
        return head
    }

    /// Begins to read the body of a request.
    ///
    /// - Parameter limit: the most bytes that it may have.
    /// - Throws: ``Refusal`` for a body that announces more.
    mutating func beginBody(of head: RequestHead, atMost limit: Int) throws(Refusal) {
        body = try RequestBody(of: head, atMost: limit)
    }

    /// Takes the body of the request; returns nil while it is not complete.
    ///
    /// - Throws: ``Refusal`` for a body that is malformed or too long. The rest of the input is unusable.
    mutating func nextBody() throws(Refusal) -> [UInt8]? {
        guard var reading = body else { return [] }
        // Only one reference, so that the bytes grow in place.
        body = nil
        guard try reading.read(&input) else {
            body = reading
            return nil
        }
        return reading.bytes
    }

    /// Takes all input that no request has taken, because another protocol begins.
    mutating func takeRest() -> [UInt8] {
        defer { input = [] }
        return input
    }

    /// Releases the memory of the input if it is empty.
    mutating func releaseMemory() {
        if input.isEmpty { input = [] }
    }

    /// Discards the input.
    mutating func discard() {
        input = []
        body = nil
    }
}
