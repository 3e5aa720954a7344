import Testing

@testable import SluiceRuntime

@Suite struct NetAddressTests {
    @Test(
        "An address is printed as it was read",
        arguments: [
            ("127.0.0.1:7333", SocketAddress.ipv4(0x7f00_0001, port: 7333)),
            ("0.0.0.0:0", .ipv4(0, port: 0)),
            ("255.1.2.3:65535", .ipv4(0xff01_0203, port: 65535)),
            ("[::1]:0", .ipv6(1, port: 0)),
            ("[::]:80", .ipv6(0, port: 80)),
            ("[2001:db8::7]:7333", .ipv6(0x2001_0db8_0000_0000_0000_0000_0000_0007, port: 7333)),
            ("unix:/run/sluice.sock", .unix(path: "/run/sluice.sock")),
            ("unix:relative", .unix(path: "relative")),
        ])
    func readsAndPrintsTheSameText(text: String, address: SocketAddress) throws {
        #expect(try SocketAddress(text) == address)
        #expect(address.description == text)
    }

    @Test("A host name is resolved")
    func resolvesAName() throws {
        let addresses = try SocketAddress.resolve("localhost:7333")
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLocal && $0.port == 7333 })
    }

    @Test(
        "Invalid addresses are refused",
        arguments: [
            "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:-1", "127.0.0.1:1 ",
            "::1:80",
            "[::1]", "[]:80", ":7333", "unix:", "unix:/a\0b", "unix:/" + String(repeating: "x", count: 107),
            "no-such-host.invalid:80",
        ])
    func refusesWhatIsNoAddress(text: String) throws {
        let error = try #require(throws: SluiceError.self) { try SocketAddress(text) }
        #expect(error.code == .address)
    }

    @Test(
        "An address survives the conversion to the kernel's form and back",
        arguments: [
            "127.0.0.1:7333", "[::1]:1", "[fe80::1234:5678:9abc:def0%7]:9", "unix:/tmp/a",
            "unix:/" + String(repeating: "x", count: 106),
        ])
    func survivesTheWayThroughTheKernelsForm(text: String) throws {
        let address = text.contains("%") ? .ipv6(0xfe80 << 112 | 0x1234, port: 9, scope: 7) : try SocketAddress(text)
        let back = address.withSystemAddress { SocketAddress($0, length: $1) }
        #expect(back == address)
    }

    @Test(
        "An address knows whether it is local",
        arguments: [
            ("127.8.9.10:1", true), ("[::1]:1", true), ("unix:/x", true), ("10.0.0.1:1", false), ("0.0.0.0:1", false),
        ])
    func knowsWhatIsLocal(text: String, isLocal: Bool) throws {
        #expect(try SocketAddress(text).isLocal == isLocal)
    }
}
