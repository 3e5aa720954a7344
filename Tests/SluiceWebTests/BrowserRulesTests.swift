import SluiceWire
import Testing

@testable import SluiceWeb

@Suite struct BrowserRulesTests {
    private func check(_ headers: [(String, String)], tls: Bool = false, isHTTP1_1: Bool = true) throws(Refusal) {
        let rules = BrowserRules(hosts: ["hub.example"], usesTLS: tls)
        var head = RequestHead(
            method: "GET", target: try RequestTarget("/"), headers: headers, keepsAlive: true, isHTTP1_1: isHTTP1_1,
            contentLength: 0)
        head.headers = headers
        try rules.check(head)
    }

    private func status(_ headers: [(String, String)], tls: Bool = false) -> Status? {
        do throws(Refusal) {
            try check(headers, tls: tls)
            return nil
        } catch {
            return error.status
        }
    }

    @Test(
        "A host may be an address, localhost or a name of the server",
        arguments: [
            "127.0.0.1", "127.0.0.1:7380", "10.1.2.3:80", "[::1]", "[::1]:7380", "localhost", "LOCALHOST:1",
            "hub.example", "Hub.Example:443",
        ])
    func hosts(host: String) { #expect(status([("host", host)]) == nil) }

    @Test(
        "Every other host is refused: its name can come to stand for this server",
        arguments: [
            ("evil.example", Status.misdirected), ("evil.example:7380", .misdirected),
            ("localhost.evil.example", .misdirected), ("127.0.0.1.evil.example", .misdirected),
            ("hub.example.", .misdirected), ("127.1", .misdirected), ("", .badRequest), ("a b", .badRequest),
            ("user@localhost", .badRequest), ("localhost:x", .badRequest), ("[::1", .badRequest),
            ("[localhost]", .badRequest), ("10.0.0.0/8", .badRequest),
        ])
    func foreignHosts(host: String, expected: Status) { #expect(status([("host", host)]) == expected) }

    @Test("Only a request of HTTP/1.0 may have no Host")
    func missingHost() throws {
        #expect(status([]) == .badRequest)
        try check([], isHTTP1_1: false)
    }

    @Test("Only pages of the server's own origin may use it")
    func origins() {
        let host = ("host", "localhost:7380")
        #expect(status([host, ("origin", "http://localhost:7380")]) == nil)
        #expect(status([host, ("origin", "https://localhost:7380")]) == nil)
        for origin in ["http://localhost", "http://localhost:7381", "http://evil.example", "null", "", "file://"] {
            #expect(status([host, ("origin", origin)]) == .forbidden)
        }
        #expect(status([host, ("origin", "http://localhost:7380")], tls: true) == .forbidden)
        for site in ["cross-site", "same-site", "", "x"] {
            #expect(status([host, ("sec-fetch-site", site)]) == .forbidden)
        }
        for site in ["same-origin", "none"] { #expect(status([host, ("sec-fetch-site", site)]) == nil) }
        #expect(status([host, ("sec-purpose", "prefetch;prerender")]) == .forbidden)
        #expect(status([host, ("purpose", "prefetch")]) == .forbidden)
    }

    @Test("A link on another page may open the dashboard, and nothing else")
    func links() throws {
        func status(_ method: String, _ path: String, _ mode: String, _ destination: String) throws -> Status? {
            let head = RequestHead(
                method: method, target: try RequestTarget(path),
                headers: [
                    ("host", "localhost:7380"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode),
                    ("sec-fetch-dest", destination),
                ],
                keepsAlive: true, isHTTP1_1: true, contentLength: 0)
            do throws(Refusal) {
                try BrowserRules(hosts: [], usesTLS: false).check(head)
                return nil
            } catch {
                return error.status
            }
        }
        #expect(try status("GET", "/", "navigate", "document") == nil)
        #expect(try status("GET", "/", "navigate", "iframe") == .forbidden)
        #expect(try status("GET", "/", "no-cors", "empty") == .forbidden)
        #expect(try status("POST", "/", "navigate", "document") == .forbidden)
        for path in ["/c/jobs", "/v1/live", "/v1/info", "/ui/main.js", "/metrics"] {
            #expect(try status("GET", path, "navigate", "document") == .forbidden, "\(path)")
        }
    }

    @Test("Credentials are a bearer token or basic authentication")
    func credentials() throws {
        func credentials(_ header: String) throws -> Credentials? {
            try HTTPCredentials.of(
                RequestHead(
                    method: "GET", target: RequestTarget("/"), headers: [("authorization", header)], keepsAlive: true,
                    isHTTP1_1: true, contentLength: 0))
        }
        let expected = Credentials(try #require(ChannelName("alice")), token: Array("s3:cret".utf8))
        #expect(try credentials("Bearer alice:s3:cret") == expected)
        #expect(try credentials("bearer  alice:s3:cret") == expected)
        #expect(try credentials("Basic YWxpY2U6czM6Y3JldA==") == expected)
        #expect(try credentials("Basic YWxpY2U6czM6Y3JldA") == expected)
        for wrong in ["Bearer", "Bearer alice", "Bearer :x", "Bearer alice:", "Bearer al ice:x", "Basic !", "Digest x"]
        {
            #expect(throws: Refusal.self) { try credentials(wrong) }
        }
        #expect(throws: Refusal.self) { try credentials("Basic YWxpY2U6eApTRU5EIHggeQ==") }
    }
}
