import Testing

@testable import sluiced

private let noSocketName =
    "fd: needs the name of an inherited socket, as in fd:sluice; a name has 1 to 255 printable characters except blanks and colons"

@Suite struct ListenAddressTests {
    @Test(
        "A listen address in every form parses, and prints as it was written",
        arguments: [
            ("127.0.0.1:7333", ListenAddress.tcp(host: "127.0.0.1", port: 7333)),
            ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("hub-1.example.org:65535", .tcp(host: "hub-1.example.org", port: 65535)),
            ("[::1]:7333", .tcp(host: "::1", port: 7333)),
            ("[::ffff:127.0.0.1]:1", .tcp(host: "::ffff:127.0.0.1", port: 1)),
            ("unix:/run/sluiced.sock", .unix(path: "/run/sluiced.sock")),
            ("unix:relative:with,odd bytes", .unix(path: "relative:with,odd bytes")),
            ("fd:sluice.socket", .inherited(name: "sluice.socket")),
        ])
    func parse(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(parsing: text) == address)
        #expect(address.description == text)
    }

    @Test("A listen address may begin with tcp:// or sluice://")
    func scheme() throws {
        for text in ["tcp://[::1]:7333", "sluice://[::1]:7333/", "TCP://[::1]:7333"] {
            #expect(try ListenAddress(parsing: text) == .tcp(host: "::1", port: 7333))
        }
        #expect(throws: SettingsError.self) { try ListenAddress(parsing: "http://[::1]:7333") }
    }

    @Test(
        "The error for a malformed listen address quotes it and says what is wrong",
        arguments: [
            ("", "it has no port; write HOST:PORT, unix:PATH or fd:NAME"),
            ("localhost", "it has no port; write HOST:PORT, unix:PATH or fd:NAME"),
            ("localhost:", "the port must be from 0 to 65535"),
            ("localhost:65536", "the port must be from 0 to 65535"),
            ("localhost:-1", "the port must be from 0 to 65535"),
            ("localhost:+1", "the port must be from 0 to 65535"),
            ("localhost:http", "the port must be from 0 to 65535"),
            ("localhost:٧", "the port must be from 0 to 65535"),
            (":7333", "it has no host; write HOST:PORT"),
            ("::1:7333", "put an IPv6 address in brackets, as in [::1]:7333"),
            ("[::1:7333", "put an IPv6 address in brackets, as in [::1]:7333"),
            ("[]:7333", "the text in brackets is not an IPv6 address"),
            ("[127.0.0.1]:7333", "the text in brackets is not an IPv6 address"),
            ("127.0.0.256:7333", "the host is not an IPv4 address"),
            ("127.1:7333", "the host is not an IPv4 address"),
            ("-host:7333", "the host is neither a name nor an IP address"),
            ("a b:7333", "the host is neither a name nor an IP address"),
            ("unix:", "it has no path; write unix:PATH"),
            ("unix:/run/\nready", "the path must not contain control characters"),
            ("fd:", noSocketName), ("fd:a:b", noSocketName), ("fd:a b", noSocketName), ("fd:ä", noSocketName),
        ])
    func malformed(text: String, reason: String) {
        let expected = SettingsError("\(text.debugDescription) is not an address: \(reason)", status: .usage)
        #expect(throws: expected) { try ListenAddress(parsing: text) }
    }

    @Test("The path of a Unix-domain socket may have 107 bytes, as many as the kernel allows")
    func socketPathLength() throws {
        let longest = "unix:/" + String(repeating: "a", count: 106)
        #expect(try ListenAddress(parsing: longest).description == longest)
        #expect(throws: SettingsError.self) { try ListenAddress(parsing: longest + "a") }
    }

    @Test(
        "An address is local only if it is a Unix-domain socket, a loopback address or localhost",
        arguments: [
            ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("localhost:1", true), ("LocalHost:1", true),
            ("[::1]:1", true), ("[0:0:0:0:0:0:0:1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("unix:/s", true),
            ("0.0.0.0:1", false), ("[::]:1", false), ("10.0.0.1:1", false), ("[fe80::1]:1", false),
            ("[::ffff:10.0.0.1]:1", false), ("hub.example.org:1", false), ("localhost.example.org:1", false),
        ])
    func locality(text: String, isLocal: Bool) throws {
        #expect(try ListenAddress(parsing: text).isLocal == isLocal)
    }
}
