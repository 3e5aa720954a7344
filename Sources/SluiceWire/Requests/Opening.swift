/// Recognises the openings of other protocols, whose later lines must not run as commands.
///
/// A browser can be made to send any bytes to any port, as a request of its own: so what looks like one ends the
/// connection before a line of its body is read.
enum Opening {
    /// What the first bytes of a connection tell by themselves, without waiting for a line end.
    static func refusal(ofFirstBytes bytes: ByteView) -> WireError? {
        if bytes.starts(with: "\u{16}\u{3}") { return .notSluice("TLS") }
        if bytes.starts(with: "SSH-") { return .notSluice("SSH") }
        return nil
    }

    /// What the first line tells before it is read as a command: some requests of HTTP are good commands too.
    static func refusal(ofFirstLine line: ByteView) -> WireError? {
        var words = Words(line)
        guard !words.first().mayPrecedeVersion else { return nil }
        _ = words.first()
        return words.text().isVersion ? .notSluice("HTTP") : nil
    }

    /// What the first line tells once it was refused as a command.
    static func refusal(ofRefusedLine line: ByteView) -> WireError? {
        var words = Words(line)
        let method = words.first()
        guard !method.mayPrecedeVersion else { return nil }
        let target = words.text()
        let isPath = target.starts(with: "/") || target.starts(with: "http")
        return line.hasVersion || isPath && method.isMethod ? .notSluice("HTTP") : nil
    }
}

extension ByteView {
    /// Whether the view is a verb of this protocol whose text may well be the version of another.
    ///
    /// No other verb is excepted: each would be one more method for a request that nobody recognises, and `TRACE` is a
    /// method already.
    fileprivate var mayPrecedeVersion: Bool {
        switch Verb.vocabulary.word(ignoringCase: self) {
        case .ping, .send, .select: true
        case .hello, .authenticate, .name, .receive, .barrier, .acknowledge, .nack, .touch, .open, .close, .poison,
            .join, .leave, .info, .channels, .waiters, .clients, .stuck, .trace, .cancel, .help, .quit, nil:
            false
        }
    }

    /// Whether the view is a version of HTTP and nothing else.
    fileprivate var isVersion: Bool { starts(with: "HTTP/") && count == 8 }

    /// Whether ` HTTP/` stands in the view, or the view begins with `HTTP/`.
    fileprivate var hasVersion: Bool {
        var start = 0
        while start < count {
            if dropping(start).starts(with: "HTTP/") { return true }
            guard let space = firstIndex(of: .space, from: start) else { return false }
            start = space + 1
        }
        return false
    }

    /// Whether the view is a method of HTTP. Tells a request without a version, or cut before it, from a mistyped verb.
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
