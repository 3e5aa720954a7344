/// A line that is a `SEND` without options, perhaps with a tag, still where it was read.
///
/// Most messages come so. Who has a receiver that waits for one need not make a ``Command`` of the line: its bytes go
/// from where they were read to where they are written. Valid only while the input is.
package struct PlainSend {
    /// Where the line begins. The rest is counted from here: what is small is handed about at less cost.
    private let start: UnsafeRawPointer
    private let tagBytes: Int32
    /// What stands between the tag and the text: `SEND` and the channel, each with the space behind it.
    private let headBytes: Int32
    private let allBytes: Int32

    /// With its `#`; empty when there is none.
    package var tag: UnsafeRawBufferPointer { part(0, Int(tagBytes)) }
    /// Whatever stands where the name of the channel should: a name that no channel has is none to hand a message to.
    package var channel: UnsafeRawBufferPointer {
        part(headStart + Self.verbBytes, Int(headBytes) - Self.verbBytes - 1)
    }
    /// At least one byte.
    package var text: UnsafeRawBufferPointer { part(headStart + Int(headBytes), textBytes) }
    /// The bytes of the line, its end included.
    package var lineBytes: Int { Int(allBytes) }

    private var headStart: Int { tagBytes == 0 ? 0 : Int(tagBytes) + 1 }
    private var head: UnsafeRawBufferPointer { part(headStart, Int(headBytes)) }
    private var textBytes: Int { Int(allBytes) - 1 - headStart - Int(headBytes) }

    private func part(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start + offset, count: count)
    }

    /// - Parameters:
    ///   - line: a line without its end, which is a line feed.
    ///   - other: one that was found before. What begins as it does is known up to the text: a stream of messages consists
    ///     of these.
    init?(_ line: ByteView, like other: PlainSend?, _ limits: Limits) {
        guard let start = line.raw.baseAddress, line.count < Int32.max else { return nil }
        self.start = start
        allBytes = Int32(line.count + 1)
        var rest = line
        if line.first == .numberSign {
            guard let end = Self.endOfTag(line) else { return nil }
            tagBytes = Int32(end)
            rest = line.dropping(end + 1)
        } else {
            tagBytes = 0
        }
        if let other, rest.prefix(Int(other.headBytes)) == ByteView(other.head) {
            headBytes = other.headBytes
        } else {
            guard rest.isSend, let end = rest.firstIndex(of: .space, from: Self.verbBytes) else { return nil }
            headBytes = Int32(end + 1)
        }
        // A telnet's carriage return is no part of the text.
        guard textBytes > 0, textBytes <= limits.maxBodyBytes, line.last != .carriageReturn else { return nil }
    }

    /// Where the tag ends that a line begins with; nil when it is none.
    private static func endOfTag(_ line: ByteView) -> Int? {
        var end = 1
        while end < line.count, line[end].isTagByte { end += 1 }
        return end < line.count && line[end] == .space && (2...Limits.maxTagBytes + 1).contains(end) ? end : nil
    }

    /// `SEND` and the space behind it.
    fileprivate static let verbBytes = 5

    /// Whether the two spell the same channel.
    package func hasChannel(of other: PlainSend) -> Bool { ByteView(channel) == ByteView(other.channel) }
}

extension RequestParser {
    /// The line at `offset`, if it is a plain send, and whole. Nothing is consumed: who runs it has `pass` do that, who does
    /// not has `next` read it.
    ///
    /// Mutating, so that the parser is not copied to be asked.
    ///
    /// - Parameter other: a plain send of which much is repeated, if there was one.
    package mutating func plainSend(
        in input: UnsafeRawBufferPointer, at offset: Int, like other: PlainSend? = nil
    ) -> PlainSend? {
        guard isAtLine, offset < input.count, Self.mayBeginPlainSend(input[offset]) else { return nil }
        let rest = ByteView(input).dropping(offset)
        guard let end = rest.prefix(limits.maxLineBytes + 1).firstIndex(of: .lineFeed) else { return nil }
        return PlainSend(rest.prefix(end), like: other, limits)
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
        append(atMost: RoomWriter.messageHeadCapacity + RoomWriter.mostDigits + message.count + 2) { room in
            room.putMessageHead(tag, channel)
            room.putMessage(message)
        }
    }

    /// The same for one of many messages to the same receiver, of which the head is known.
    package mutating func append(message: UnsafeRawBufferPointer, behind head: [UInt8]) {
        append(atMost: head.count + RoomWriter.mostDigits + message.count + 2) { room in
            head.withUnsafeBytes { room.put($0) }
            room.putMessage(message)
        }
    }

    /// What stands before the length of each message from a channel to one receiver.
    package init(messageHeadFrom channel: ChannelName, tag: Tag?) {
        self = []
        append(atMost: RoomWriter.messageHeadCapacity) { $0.putMessageHead(tag, channel) }
    }

    /// Appends `OK` so many times.
    package mutating func appendOK(times count: Int) {
        append(atMost: 3 * count) { room in
            for _ in 0..<count { room.putOK() }
        }
    }

    /// Appends the answer to a plain send that was taken.
    package mutating func appendOK(to send: PlainSend) {
        append(atMost: send.tag.count + 4) { room in
            if !send.tag.isEmpty {
                room.put(send.tag)
                room.put(UInt8.space)
            }
            room.putOK()
        }
    }
}

extension RoomWriter {
    @inline(__always)
    fileprivate mutating func putOK() {
        put(UInt8(ascii: "O"))
        put(UInt8(ascii: "K"))
        put(UInt8.lineFeed)
    }

    /// Puts a message's length, which ends its line, and the message.
    @inline(__always)
    fileprivate mutating func putMessage(_ message: UnsafeRawBufferPointer) {
        put(decimal: message.count)
        put(UInt8.lineFeed)
        put(message)
        put(UInt8.lineFeed)
    }
}
