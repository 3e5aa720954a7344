/// A line that is a `SEND` without options, perhaps with a tag, still where it was read.
///
/// Most messages come so. Who has a receiver that waits for one need not make a ``Command`` of the line: its bytes go
/// from where they were read to where they are written. Valid only while the input is.
package struct PlainSend {
    /// With its `#`; empty when there is none.
    package let tag: UnsafeRawBufferPointer
    /// Whatever stands where the name of the channel should: a name that no channel has is none to hand a message to.
    package let channel: UnsafeRawBufferPointer
    /// At least one byte.
    package let text: UnsafeRawBufferPointer
    /// The bytes of the line, its end included.
    package let lineBytes: Int

    /// - Parameter line: a line without its end, which is a line feed.
    init?(_ line: ByteView, _ limits: Limits) {
        var position = 0
        if line.first == .numberSign {
            guard let end = line.firstIndex(of: .space), (2...Limits.maxTagBytes + 1).contains(end),
                line[1..<end].allSatisfy(\.isTagByte)
            else { return nil }
            tag = line.prefix(end).raw
            position = end + 1
        } else {
            tag = line.prefix(0).raw
        }
        let rest = line.dropping(position)
        // A telnet's carriage return is no part of the text.
        guard rest.isSend, line.last != .carriageReturn, let end = rest.firstIndex(of: .space, from: Self.verbBytes),
            end + 1 < rest.count, rest.count - end - 1 <= limits.maxBodyBytes
        else { return nil }
        channel = rest[Self.verbBytes..<end].raw
        text = rest.dropping(end + 1).raw
        lineBytes = line.count + 1
    }

    /// `SEND` and the space behind it.
    fileprivate static let verbBytes = 5
}

extension RequestParser {
    /// The line at `offset`, if it is a plain send, and whole. Nothing is consumed: who runs it has `pass` do that, who does
    /// not has `next` read it.
    ///
    /// Mutating, so that the parser is not copied to be asked.
    package mutating func plainSend(in input: UnsafeRawBufferPointer, at offset: Int) -> PlainSend? {
        guard isAtLine, offset < input.count, Self.mayBeginPlainSend(input[offset]) else { return nil }
        let rest = ByteView(input).dropping(offset)
        guard let end = rest.prefix(limits.maxLineBytes + 1).firstIndex(of: .lineFeed) else { return nil }
        return PlainSend(rest.prefix(end), limits)
    }

    /// Consumes a plain send.
    package mutating func pass(_ send: PlainSend, offset: inout Int) {
        scanner.lineWasTaken()
        offset += send.lineBytes
    }
}

extension RequestParser {
    /// Passes over the lines at `offset` that are `PING` and nothing more, as those are of whoever measures how fast a
    /// server answers at all.
    ///
    /// - Returns: how many there were.
    package mutating func takeBarePings(in input: UnsafeRawBufferPointer, offset: inout Int) -> Int {
        guard isAtLine else { return 0 }
        var count = 0
        while input.count - offset >= 5, input[offset + 4] == .lineFeed,
            UInt32(bigEndian: input.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) == 0x5049_4E47
        {
            offset += 5
            count += 1
        }
        if count > 0 { scanner.lineWasTaken() }
        return count
    }

    private static func mayBeginPlainSend(_ byte: UInt8) -> Bool {
        byte.uppercased == UInt8(ascii: "S") || byte == .numberSign
    }
}

extension ByteView {
    /// Whether the view begins with `SEND` in any case, and a space.
    fileprivate var isSend: Bool {
        guard count > PlainSend.verbBytes, self[4] == .space else { return false }
        return self[0].uppercased == UInt8(ascii: "S") && self[1].uppercased == UInt8(ascii: "E")
            && self[2].uppercased == UInt8(ascii: "N") && self[3].uppercased == UInt8(ascii: "D")
    }
}

extension [UInt8] {
    /// Appends a message as the server sends it.
    package mutating func append(message: UnsafeRawBufferPointer, from channel: ChannelName, tag: Tag?) {
        append(messageOf: message.count, from: channel, [], tag: tag)
        append(contentsOf: message)
        append(.lineFeed)
    }

    /// Appends `OK` so many times.
    package mutating func appendOK(times count: Int) {
        for _ in 0..<count { append("OK\n") }
    }

    /// Appends the answer to a plain send that was taken.
    package mutating func appendOK(to send: PlainSend) {
        if !send.tag.isEmpty {
            append(contentsOf: send.tag)
            append(.space)
        }
        append("OK\n")
    }
}
