/// A response: its status, its headers and its body.
struct Response: Sendable, Equatable {
    var status: Status
    /// The headers besides those of every response.
    var headers: [String] = []
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8] = []
    /// What a browser may do with the body: by default, nothing.
    var policy = "default-src 'none'; frame-ancestors 'none'; sandbox"
    /// Whether the connection ends with the response, whatever the client wants.
    var closes = false
    /// Whether the body has no length, and ends with the connection.
    var isStream = false

    init(_ status: Status) { self.status = status }

    /// A response with one line of text.
    init(_ status: Status, _ line: String) {
        self.status = status
        body = Array("\(line)\n".utf8)
    }

    init(_ refusal: Refusal) {
        self.init(refusal.status, refusal.message)
        if refusal.status == .methodNotAllowed { headers.append("Allow: \(refusal.allowed.joined(separator: ", "))") }
        if refusal.status == .upgradeRequired { headers += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"] }
        if refusal.status == .unauthorized {
            headers.append("WWW-Authenticate: Basic realm=\"sluice\", charset=\"UTF-8\"")
        }
    }

    /// The beginning of a response that consists of server-sent events.
    static let events: Response = {
        var response = Response(.ok)
        response.contentType = "text/event-stream"
        response.isStream = true
        response.closes = true
        // Without this header, nginx would hold events back until it has many.
        response.headers = ["X-Accel-Buffering: no"]
        return response
    }()

    /// The headers of every response. A browser may neither guess a type, nor run anything in a message, nor show it
    /// within another page, nor keep it.
    private static let common = """
        Cache-Control: no-store\r
        Cross-Origin-Resource-Policy: same-origin\r
        Referrer-Policy: no-referrer\r
        X-Content-Type-Options: nosniff\r\n
        """

    /// Returns the bytes of the response.
    ///
    /// - Parameters:
    ///   - keepsAlive: whether the connection serves a further request.
    ///   - announces: whether to announce that in a header, which clients of HTTP/1.0 need.
    ///   - omitsBody: whether to leave out the body, for `HEAD`.
    func bytes(
        keepingAlive keepsAlive: Bool, announcingIt announces: Bool = false, omittingBody omitsBody: Bool = false
    ) -> [UInt8] {
        var text = "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n"
        text += Self.common
        text += "Content-Security-Policy: \(policy)\r\n"
        for header in headers { text += "\(header)\r\n" }
        if status != .noContent {
            text += "Content-Type: \(contentType)\r\n"
            if !isStream { text += "Content-Length: \(body.count)\r\n" }
        }
        if !keepsAlive || announces { text += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n" }
        text += "\r\n"
        var bytes = Array(text.utf8)
        if !omitsBody, status != .noContent { bytes += body }
        return bytes
    }
}
