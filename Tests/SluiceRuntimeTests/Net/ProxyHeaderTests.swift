import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// A header of version 2.
    private static func binary(_ command: UInt8, _ family: UInt8, _ content: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
    }

    private static let ipv4Content: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0xC3, 0x50, 0x1C, 0xA5]
    private static let ipv6Content: [UInt8] = [
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0xC3,
        0x50, 0x1C, 0xA5,
    ]
    private static let ipv4 = SocketAddress.ipv4(0xC000_0207, port: 50_000)
    private static let ipv6 = SocketAddress.ipv6(0x2001_0DB8 << 96 | 7, port: 50_000)

    private static func line(_ text: String) -> [UInt8] { Array((text + "\r\n").utf8) }

    static let examples: [(String, SocketAddress?)] = [
        ("PROXY TCP4 192.0.2.7 10.0.0.1 50000 7333", ipv4), ("PROXY TCP6 2001:db8::7 ::1 50000 7333", ipv6),
        ("PROXY TCP6 ::ffff:192.0.2.7 ::1 50000 7333", ipv4),
        ("PROXY UNKNOWN", nil), ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535", nil),
        ("PROXY UNKNOWN " + String(repeating: "x", count: 91), nil),
    ]

    // In the last address, what follows is ignored.
    static let contents: [(UInt8, UInt8, [UInt8], SocketAddress?)] = [
        (0x21, 0x11, ipv4Content, ipv4), (0x21, 0x21, ipv6Content, ipv6), (0x20, 0x00, [], nil),
        (0x20, 0x11, ipv4Content, nil), (0x21, 0x00, [1, 2, 3], nil),
        (0x21, 0x31, [UInt8](repeating: 0, count: 216), nil), (0x21, 0x11, ipv4Content + [3, 0, 4, 1, 2, 3, 4], ipv4),
    ]

    /// Feeds a header in two pieces, as far as the parser wants bytes.
    private func parse(_ bytes: [UInt8], splitAt split: Int) -> (progress: ProxyHeader.Progress, used: Int) {
        var header = ProxyHeader()
        var used = 0
        for end in [split, bytes.count] {
            while used < end {
                let wanted = header.wanted
                #expect(wanted > 0)
                let next = bytes[used..<min(used + wanted, end)]
                used += next.count
                let progress = header.take(next)
                if progress != .incomplete { return (progress, used) }
            }
        }
        return (.incomplete, used)
    }

    private func expectClient(_ client: SocketAddress?, of bytes: [UInt8]) {
        for split in 0...bytes.count {
            let (progress, used) = parse(bytes + Array("PING\n".utf8), splitAt: split)
            #expect(progress == .complete(client: client))
            #expect(used == bytes.count)
        }
        // An incomplete header is never taken for a whole one.
        for end in 0..<bytes.count { #expect(parse(Array(bytes[..<end]), splitAt: 0).progress == .incomplete) }
    }

    @Test("A line names the client, wherever it is split, and nothing beyond it is taken", arguments: examples)
    func linesNameClients(text: String, client: SocketAddress?) { expectClient(client, of: Self.line(text)) }

    @Test("A binary header names the client, wherever it is split, and nothing beyond it is taken")
    func binaryHeaders() {
        for (command, family, content, client) in Self.contents {
            expectClient(client, of: Self.binary(command, family, content))
        }
    }

    private static let wrongLines = [
        "PING\n", "GET / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 host 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 +2\r\n",
        "PROXY UNKNOWN" + String(repeating: " x", count: 80),
    ]

    private static let wrongContents: [(UInt8, UInt8, UInt16, [UInt8])] = [
        (0x11, 0x11, 12, ipv4Content), (0x22, 0x11, 12, ipv4Content), (0x21, 0x12, 12, ipv4Content),
        (0x21, 0x11, 11, ipv4Content), (0x21, 0x21, 35, ipv6Content), (0x21, 0x11, 0xFFFF, []),
    ]

    @Test("Bytes that are no header are refused as soon as that is certain, and within the longest header")
    func malformed() {
        var inputs = Self.wrongLines.map { Array($0.utf8) }
        for (command, family, length, content) in Self.wrongContents {
            inputs.append(Self.signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + content)
        }
        inputs.append(Array(Self.signature.dropLast()) + [11, 0x21, 0x11, 0, 12])
        for bytes in inputs {
            for split in [0, 1, 7, 14, 15, 16] where split <= bytes.count {
                let (progress, used) = parse(bytes, splitAt: split)
                guard case .invalid = progress else {
                    Issue.record("\(progress) for \(bytes)")
                    continue
                }
                #expect(used <= 107)
            }
        }
    }

    @Test("A combining character behind a space does not hide the space")
    func combiningCharacter() {
        for line in ["PROXY \u{301}TCP4 192.0.2.1\r\n", "PROXY TCP4 \u{301}192.0.2.1 192.0.2.2 1 2\r\n"] {
            guard case .invalid = parse(Array(line.utf8), splitAt: 0).progress else {
                Issue.record("\(line) is valid")
                continue
            }
        }
    }

    @Test("Random bytes behind a signature neither trap nor name a client of another length")
    func randomBytes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = Bool.random() ? Self.signature : Array("PROXY ".utf8)
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                bytes.append(UInt8.random(in: 0...255, using: &random))
            }
            _ = parse(bytes, splitAt: Int.random(in: 0...bytes.count, using: &random))
        }
    }

    @Test(
        "A network contains the addresses with its first bits",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1:1", true), ("10.0.0.0/8", "11.0.0.1:1", false), ("0.0.0.0/0", "9.9.9.9:1", true),
            ("192.0.2.7", "192.0.2.7:9", true), ("192.0.2.7", "192.0.2.6:9", false), ("10.0.0.0/8", "[::1]:1", false),
            ("2001:db8::/32", "[2001:db8::7]:1", true), ("2001:db8::/32", "[2001:db9::7]:1", false),
            ("::/0", "[::1]:1", true), ("::1", "[::1]:1", true), ("::/0", "127.0.0.1:1", false),
            ("0.0.0.0/0", "unix:/s", false),
        ])
    func networks(network: String, address: String, isContained: Bool) throws {
        #expect(try NetworkRange(network).contains(try SocketAddress(address)) == isContained)
    }

    @Test(
        "A text that is no network is refused",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "host/8", "10.0.0.0/8/8", "10.0.0/8",
        ])
    func wrongNetworks(text: String) {
        #expect(throws: SluiceError.self) { try NetworkRange(text) }
    }
}
