/// Recognises the first bytes of other protocols, whose later lines must not run as commands.
///
/// A web page can make a browser send arbitrary bytes to any port in the body of a request. So input that looks like a
/// request of HTTP ends the connection before a line of its body is read.
enum Opening {
    /// Checks the first bytes of a connection, without waiting for a line end.
    static func refusal(ofFirstBytes bytes: ByteView) -> WireError? {
        if bytes.starts(with: "\u{16}\u{3}") { return .notSluice("TLS") }
        if bytes.starts(with: "SSH-") { return .notSluice("SSH") }
        return nil
    }

    /// Checks the first line before it is parsed, because some HTTP requests are also valid commands.
    static func refusal(ofFirstLine line: ByteView) -> WireError? {
        var words = WordReader(line)
        guard !words.first().mayPrecedeVersion else { return nil }
        _ = words.first()
        return words.text().isVersion ? .notSluice("HTTP") : nil
    }

    /// Checks the first line after the parser has refused it.
    static func refusal(ofRefusedLine line: ByteView) -> WireError? {
        var words = WordReader(line)
        let method = words.first()
        guard !method.mayPrecedeVersion else { return nil }
        let target = words.text()
        let isPath = target.starts(with: "/") || target.starts(with: "http")
        return line.hasVersion || isPath && method.isMethod ? .notSluice("HTTP") : nil
    }
}

extension ByteView {
    /// Whether the view is a verb of this protocol whose text may legitimately be the version of another one.
    ///
    /// The list is short on purpose: each verb in it is a method with which an HTTP request would go unrecognised.
    /// `TRACE` is a method of HTTP.
    fileprivate var mayPrecedeVersion: Bool {
        switch Verb.vocabulary.word(ignoringCase: self) {
        case .ping, .send, .select: true
        case .hello, .authenticate, .name, .receive, .barrier, .acknowledge, .nack, .touch, .open, .close, .poison,
            .join, .leave, .info, .channels, .waiters, .clients, .stuck, .trace, .cancel, .help, .quit, nil:
            false
        }
    }

    /// Whether the view is exactly a version of HTTP.
    fileprivate var isVersion: Bool { starts(with: "HTTP/") && count == 8 }

    /// Whether a word of the view begins with `HTTP/`.
    fileprivate var hasVersion: Bool {
        var start = 0
        while start < count {
            if dropping(start).starts(with: "HTTP/") { return true }
            guard let space = firstIndex(of: .space, from: start) else { return false }
            start = space + 1
        }
        return false
    }

    /// Whether the view is a method of HTTP. Distinguishes a request whose version is missing or cut off from a
    /// mistyped verb.
    fileprivate var isMethod: Bool {
        let methods: [StaticString] = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
        ]
        return methods.contains { self == $0 }
    }
}

extension WireError {
    fileprivate static func notSluice(_ name: String) -> WireError {
        WireError(.notSluice, "this port speaks the line protocol of Sluice, not \(name)")
    }
}
