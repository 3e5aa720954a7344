/// Puts bytes together in the room behind those of an array: to append parts of a line to it one by one takes three times as
/// long, since each asks anew whether there is room.
struct RoomWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    fileprivate init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        precondition(count < room.count, "there is less room than was asked for")
        room[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= room.count - count, "there is less room than was asked for")
        guard let source = bytes.baseAddress, let start = room.baseAddress else { return }
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    /// The most decimal digits that a number has.
    static let mostDigits = 20

    /// Puts the decimal digits of a number that is not negative.
    mutating func put(decimal number: Int) {
        var length = 1
        var bound = 10
        while number >= bound, length < Self.mostDigits - 1 {
            length += 1
            bound &*= 10
        }
        precondition(length <= room.count - count, "there is less room than was asked for")
        var rest = UInt(number)
        for place in stride(from: count + length - 1, through: count, by: -1) {
            room[place] = .zero + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }
}

extension RoomWriter {
    /// Room for what stands before the length of a message, at most.
    static let messageHeadCapacity = Limits.maxTagBytes + Limits.maxNameBytes + 16

    /// Puts what stands before the length of a message: `#tag MSG channel `.
    mutating func putMessageHead(_ tag: Tag?, _ channel: ChannelName) {
        if let tag {
            put(UInt8.numberSign)
            put(tag.description)
            put(UInt8.space)
        }
        put("MSG ")
        put(channel.description)
        put(UInt8.space)
    }
}

extension [UInt8] {
    /// Appends what `write` puts, which is so many bytes at most.
    @inline(__always)
    mutating func append(atMost capacity: Int, _ write: (inout RoomWriter) -> Void) {
        append(addingCapacity: capacity) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { room, count in
                // What the array has more than was asked for is none of this one's business.
                var writer = RoomWriter(UnsafeMutableRawBufferPointer(start: room.baseAddress, count: capacity))
                write(&writer)
                count = writer.count
            }
        }
    }
}
