import SluiceRuntime

/// The rules that refuse requests which a browser may have sent for a page of another origin.
///
/// Any page can make a browser send requests to any address. The owner of a page's host name can also let that name
/// point to this server (DNS rebinding). So these rules are checked before anything else in a request.
struct BrowserRules: Sendable {
    /// The names, in lower case, that a `Host` header may have besides IP addresses and `localhost`.
    let hosts: Set<String>
    /// Whether clients of the listener use TLS.
    let usesTLS: Bool

    /// - Throws: ``Refusal`` for a request that a browser may have sent for another page.
    func check(_ head: RequestHead) throws(Refusal) {
        try checkHost(of: head)
        if let origin = head["origin"] { try check(origin: origin, of: head) }
        switch head["sec-fetch-site"] {
        case nil: break
        case "same-origin", "none": break
        // A link on another page may open the dashboard, which changes nothing by itself and cannot be embedded.
        case _? where Self.opensDashboard(head): break
        case _?: throw Refusal(.forbidden, "pages of other origins may not use this server")
        }
        if isPrefetch(head) { throw Refusal(.forbidden, "this server answers no prefetches") }
    }

    /// Whether a person opens the dashboard in a browser.
    private static func opensDashboard(_ head: RequestHead) -> Bool {
        head.method == "GET" && head.target.path == "/" && head["origin"] == nil
            && head["sec-fetch-mode"] == "navigate" && head["sec-fetch-dest"] == "document"
    }

    /// Refuses a `GET` that takes a message if a browser sends it without `Sec-Fetch-Site` and without
    /// `Sluice-Request`.
    ///
    /// Browsers send `Sec-Fetch-Site` only to servers with TLS and to their own machine. On other servers, an image on
    /// any page could take messages.
    static func checkTaking(_ head: RequestHead) throws(Refusal) {
        guard head["sec-fetch-site"] == nil, head["sluice-request"] == nil,
            head["user-agent"]?.hasPrefix("Mozilla/") == true
        else { return }
        throw Refusal(.forbidden, "a browser must send the header Sluice-Request to receive without TLS")
    }

    private func checkHost(of head: RequestHead) throws(Refusal) {
        guard let host = head["host"] else {
            if head.isHTTP1_1 { throw Refusal(.badRequest, "the header Host is missing") }
            return
        }
        guard let name = Self.name(ofHost: host) else { throw Refusal(.badRequest, "the header Host is malformed") }
        guard name.isAddress || name.text == "localhost" || hosts.contains(name.text) else {
            throw Refusal(.misdirected, "this server does not have that name; add it to web.hosts")
        }
    }

    private func check(origin: String, of head: RequestHead) throws(Refusal) {
        let refusal = Refusal(.forbidden, "pages of other origins may not use this server")
        guard let host = head["host"]?.lowercased() else { throw refusal }
        let origin = origin.lowercased()
        // A proxy may add TLS. Then the scheme of the origin differs from that of the listener.
        guard origin == "https://\(host)" || !usesTLS && origin == "http://\(host)" else { throw refusal }
    }

    private func isPrefetch(_ head: RequestHead) -> Bool {
        ["sec-purpose", "purpose", "x-moz"].contains { head[$0]?.lowercased().contains("prefetch") == true }
    }

    /// Returns the host without its port; nil for a text that is not a host.
    private static func name(ofHost host: String) -> (text: String, isAddress: Bool)? {
        var name = host.lowercased()[...]
        if name.hasPrefix("[") {
            guard let end = name.lastIndex(of: "]"), isPort(name[name.index(after: end)...]) else { return nil }
            name = name[name.index(after: name.startIndex)..<end]
            guard name.contains(":"), !name.contains("/"), (try? NetworkRange(String(name))) != nil else { return nil }
            return (String(name), true)
        }
        if let colon = name.firstIndex(of: ":") {
            guard isPort(name[colon...]) else { return nil }
            name = name[..<colon]
        }
        let isName = !name.isEmpty && name.utf8.allSatisfy { $0.isNameByteOfHost }
        guard isName else { return nil }
        let isAddress = !name.contains("/") && (try? NetworkRange(String(name))) != nil
        return (String(name), isAddress)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.hasPrefix(":") && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}

extension UInt8 {
    fileprivate var isNameByteOfHost: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
