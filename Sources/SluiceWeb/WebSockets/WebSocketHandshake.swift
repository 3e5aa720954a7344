import COpenSSL

/// A request that turns its connection into a WebSocket.
struct WebSocketHandshake: Sendable, Equatable {
    /// The name of the line protocol as a subprotocol of WebSockets.
    static let subprotocol = "sluice"

    private let key: String
    private let namesSubprotocol: Bool

    /// - Throws: ``Refusal`` if the request is not a handshake of version 13.
    init(_ head: RequestHead) throws(Refusal) {
        guard head.isHTTP1_1, !head.hasBody, head.words(of: "upgrade").contains("websocket"),
            head.words(of: "connection").contains("upgrade"), head["sec-websocket-version"] == "13"
        else { throw Refusal(.upgradeRequired, "this path is for WebSockets, of version 13 over HTTP/1.1") }
        guard let key = head["sec-websocket-key"], Base64.decode(key)?.count == 16 else {
            throw Refusal(.badRequest, "the header Sec-WebSocket-Key must be 16 bytes in base64")
        }
        self.key = key
        namesSubprotocol = head.words(of: "sec-websocket-protocol").contains(Self.subprotocol)
    }

    /// The response, after which both sides send frames.
    var response: [UInt8] {
        var text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Accept: \(accept)\r\n"
        if namesSubprotocol { text += "Sec-WebSocket-Protocol: \(Self.subprotocol)\r\n" }
        return Array("\(text)\r\n".utf8)
    }

    /// The value that proves to the client that the server speaks WebSocket: RFC 6455, section 4.2.2.
    var accept: String {
        let input = Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        _ = EVP_Digest(input, input.count, &digest, nil, EVP_sha1(), nil)
        return String(decoding: Base64.encode(digest), as: UTF8.self)
    }
}

extension RequestHead {
    /// The words of all headers of a name, in lower case. Commas separate them.
    fileprivate func words(of name: String) -> [String] {
        headers.filter { $0.name == name }.flatMap { header in
            header.value.split(separator: ",").map { String($0).trimmed.lowercased() }
        }
    }
}
