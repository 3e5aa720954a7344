/// Recognises the first bytes of other protocols, whose later lines must not run as commands.
///
/// A web page can make a browser send arbitrary bytes to any port in the body of a request, and can choose the method
/// of the request, which may be a verb of this protocol. So input that looks like a request of HTTP ends the connection
/// before a line of its body is read. No command of this protocol is exempt: a line that ends in a version of HTTP is a
/// request, whatever its verb, and so is any first line that is followed by a header.
enum Opening {
    /// The part of a connection's input that is checked.
    enum Stage {
        /// Only empty lines have arrived.
        case firstLine
        /// One command or refused line has arrived.
        case secondLine
        case over
    }

    /// Checks the first bytes of a connection, without waiting for a line end.
    static func refusal(ofFirstBytes bytes: ByteView) -> WireError? {
        if bytes.starts(with: "\u{16}\u{3}") { return .notSluice("TLS") }
        if bytes.starts(with: "SSH-") { return .notSluice("SSH") }
        return nil
    }

    /// Checks a line before it is parsed, because an HTTP request may also be a valid command.
    ///
    /// - Parameter line: a whole line, or the beginning of an overlong one.
    static func refusal(of line: ByteView, in stage: Stage) -> WireError? {
        switch stage {
        case .firstLine: line.endsInVersion ? .notSluice("HTTP") : nil
        case .secondLine: line.isHeader ? .notSluice("HTTP") : nil
        case .over: nil
        }
    }

    /// Checks the first line after the parser has refused it.
    static func refusal(ofRefusedLine line: ByteView) -> WireError? {
        var words = WordReader(line)
        let method = words.first()
        if method == "PROXY" { return .notSluice("the PROXY protocol") }
        let target = words.text()
        let isPath = target.starts(with: "/") || target.starts(with: "http")
        if isPath && method.isMethod { return .notSluice("HTTP") }
        // A command that mentions HTTP in its text may have a mistake.
        let mayMentionVersion = Verb.vocabulary.word(ignoringCase: method)?.takesText ?? false
        return line.hasVersion && !mayMentionVersion ? .notSluice("HTTP") : nil
    }
}

extension Verb {
    /// Whether a line with this verb may contain text that the client chooses freely.
    fileprivate var takesText: Bool {
        switch self {
        case .ping, .send, .call, .select, .acknowledge: true
        case .hello, .authenticate, .name, .receive, .barrier, .nack, .reject, .redrive, .touch, .open, .close, .poison,
            .join, .leave, .info, .channels, .waiters, .clients, .stuck, .trace, .kill, .cancel, .help, .quit:
            false
        }
    }
}

extension ByteView {
    /// Whether the last word of the view is a version of HTTP. Every byte up to the space separates words here, so that
    /// neither a tab nor a carriage return hides a version.
    fileprivate var endsInVersion: Bool {
        var end = count
        while end > 0, self[end - 1] <= .space { end -= 1 }
        var start = end
        while start > 0, self[start - 1] > .space { start -= 1 }
        let (word, name) = (self[start..<end], "HTTP/" as StaticString)
        guard word.prefix(name.utf8CodeUnitCount).equals(uppercase: name) else { return false }
        let number = word.dropping(name.utf8CodeUnitCount)
        return number.first?.isDigit == true && number.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
    }

    /// Whether the view begins with the name of a header and its colon. No verb and no tag contains a colon.
    fileprivate var isHeader: Bool {
        var end = 0
        while end < count, self[end].isHeaderByte { end += 1 }
        return end > 0 && end < count && self[end] == UInt8(ascii: ":") && self[0] != .numberSign
    }

    /// Whether the view is `text`, which has no lower-case letters, in any case.
    private func equals(uppercase text: StaticString) -> Bool {
        let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return raw.elementsEqual(expected) { $0.uppercased == $1 }
    }

    /// Whether a word of the view begins with `HTTP/`.
    fileprivate var hasVersion: Bool {
        var start = 0
        while start < count {
            if dropping(start).prefix(5).equals(uppercase: "HTTP/") { return true }
            guard let space = firstIndex(of: .space, from: start) else { return false }
            start = space + 1
        }
        return false
    }

    /// Whether the view is exactly a method of HTTP. Distinguishes a request whose version is missing or cut off from a
    /// mistyped verb.
    fileprivate var isMethod: Bool {
        let methods: [StaticString] = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
        ]
        return methods.contains { self == $0 }
    }
}

extension UInt8 {
    /// Whether the byte is allowed in the name of a header.
    fileprivate var isHeaderByte: Bool {
        switch self {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"),
            UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: isTagByte
        }
    }
}

extension WireError {
    fileprivate static func notSluice(_ name: String) -> WireError {
        WireError(.notSluice, "this port speaks the line protocol of Sluice, not \(name)")
    }
}
