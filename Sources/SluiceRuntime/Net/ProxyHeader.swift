import Glibc

/// Reads the header with which a proxy names its client: the PROXY protocol of HAProxy, versions 1 and 2. Does no I/O.
///
/// The bytes behind the header belong to the client, and may be a TLS handshake. So the parser says how many bytes it may
/// be given without going beyond the header.
package struct ProxyHeader: Sendable {
    /// How far the header has been read.
    package enum Progress: Sendable, Hashable {
        /// More bytes are needed; see `wanted`.
        case incomplete
        /// The header is complete. Nil if the proxy names no address, because it connects on its own behalf.
        case complete(client: SocketAddress?)
        /// The bytes are no header. The text says why.
        case invalid(String)
    }

    /// The longest header of version 1, with its line end.
    static let longestLine = 107
    /// The longest header of version 2 that is accepted. Its address takes at most 36 bytes after the first 16; other
    /// values may follow, and are ignored.
    static let longestBinary = 2048
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
    private static let word = Array("PROXY ".utf8)
    /// The shortest header of version 1: `PROXY UNKNOWN` and its line end.
    private static let shortest = 15
    private static let binaryHead = 16

    private var bytes: [UInt8] = []

    /// A header of which nothing has been read.
    package init() {}

    /// The most bytes that may be read next, at least 1 while the header is incomplete.
    package var wanted: Int {
        if bytes.count < Self.shortest { return Self.shortest - bytes.count }
        if bytes.starts(with: Self.signature) {
            if bytes.count < Self.binaryHead { return Self.binaryHead - bytes.count }
            return max(Self.binaryHead + contentLength - bytes.count, 0)
        }
        // The line ends with two bytes.
        return bytes.last == 13 ? 1 : 2
    }

    private var contentLength: Int { Int(bytes[14]) << 8 | Int(bytes[15]) }

    /// Takes the next bytes, at most `wanted`.
    package mutating func take(_ next: some Collection<UInt8>) -> Progress {
        bytes += next
        let (line, binary) = (bytes.starts(with: Self.word.prefix(bytes.count)), bytes.starts(with: signaturePart))
        guard line || binary else { return .invalid("the connection does not begin with a PROXY header") }
        if bytes.count < Self.shortest { return .incomplete }
        return binary ? binaryProgress() : lineProgress()
    }

    private var signaturePart: ArraySlice<UInt8> { Self.signature.prefix(bytes.count) }

    // MARK: Version 1

    private func lineProgress() -> Progress {
        guard bytes.suffix(2) == [13, 10] else {
            if bytes.contains(10) || bytes.dropLast().contains(13) {
                return .invalid("the PROXY header has a line end that is not CR LF")
            }
            // The line feed may still follow.
            return bytes.count >= Self.longestLine - (bytes.last == 13 ? 0 : 1)
                ? .invalid("the PROXY header is longer than \(Self.longestLine) bytes") : .incomplete
        }
        // Splits bytes: in a String, a space and a combining character after it are one Character. There are at least two
        // words, because the signature ends with a space.
        let words = bytes.dropLast(2).split(separator: 32, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch words[1] {
        // What follows is to be ignored.
        case "UNKNOWN": return .complete(client: nil)
        case "TCP4", "TCP6": break
        default: return .invalid("the PROXY header names a protocol other than TCP4, TCP6 and UNKNOWN")
        }
        guard words.count == 6, let source = Self.address(words[2], port: words[4], words[1]),
            Self.address(words[3], port: words[5], words[1]) != nil
        else { return .invalid("the PROXY header must be PROXY \(words[1]) SOURCE DESTINATION PORT PORT") }
        return .complete(client: source)
    }

    private static func address(_ host: String, port: String, _ family: String) -> SocketAddress? {
        guard port.utf8.count <= 5,
            let address = try? SocketAddress.numeric(
                family == "TCP6" ? "[\(host)]:\(port)" : "\(host):\(port)")
        else { return nil }
        switch address {
        case .ipv4: return family == "TCP4" ? address : nil
        case .ipv6: return family == "TCP6" ? address.unmapped : nil
        case .unix: return nil
        }
    }

    // MARK: Version 2

    private func binaryProgress() -> Progress {
        guard bytes.count >= Self.binaryHead else { return .incomplete }
        guard bytes[12] >> 4 == 2, bytes[12] & 15 <= 1 else {
            return .invalid("the PROXY header has a version or a command that does not exist")
        }
        guard Self.binaryHead + contentLength <= Self.longestBinary else {
            return .invalid("the PROXY header is longer than \(Self.longestBinary) bytes")
        }
        guard bytes.count >= Self.binaryHead + contentLength else { return .incomplete }
        if bytes[12] & 15 == 0 { return .complete(client: nil) }
        switch bytes[13] {
        case 0x11:
            guard contentLength >= 12 else { break }
            return .complete(client: .ipv4(UInt32(truncatingIfNeeded: number(16..<20)), port: UInt16(number(24..<26))))
        case 0x21:
            guard contentLength >= 36 else { break }
            return .complete(client: SocketAddress.ipv6(number(16..<32), port: UInt16(number(48..<50))).unmapped)
        // Unspecified, or a Unix-domain socket, whose path says nothing on this machine.
        case 0x00, 0x31: return .complete(client: nil)
        default: return .invalid("the PROXY header names a protocol other than TCP")
        }
        return .invalid("the PROXY header is too short for its addresses")
    }

    private func number(_ range: Range<Int>) -> UInt128 {
        bytes[range].reduce(0) { $0 << 8 | UInt128($1) }
    }
}

extension AcceptedSocket {
    /// Reads the header of a proxy, and no byte beyond it. Call from a task of `reactor`.
    ///
    /// - Parameter time: how long the proxy may take.
    /// - Returns: the socket, whose peer is the client that the proxy names.
    /// - Throws: `.misuse` with what is wrong with the header; `.timedOut`; `.system` if the connection ends before.
    package consuming func readingProxyHeader(
        on reactor: Reactor, within time: Duration
    ) async throws(SluiceError) -> AcceptedSocket {
        let (peer, tls) = (peer, tls)
        let stream = Stream(descriptor, to: peer, on: reactor, tls: nil)
        let alarm = reactor.call(after: time) { stream.close() }
        defer { reactor.cancelTimer(alarm) }
        var header = ProxyHeader()
        while true {
            let bytes: [UInt8]
            do throws(SluiceError) {
                bytes = try await stream.read(upTo: header.wanted)
            } catch {
                guard error.code == .closed else { throw error }
                throw SluiceError(.timedOut, "the PROXY header took longer than \(time)")
            }
            if bytes.isEmpty { throw SluiceError(system: ECONNRESET, "cannot read the PROXY header from \(peer)") }
            switch header.take(bytes) {
            case .incomplete: continue
            case .invalid(let reason): throw SluiceError(.misuse, reason)
            case .complete(let client):
                guard let descriptor = stream.watch.release() else { throw stream.watch.closedError }
                return AcceptedSocket(descriptor: descriptor, peer: client ?? peer, tls: tls)
            }
        }
    }
}
