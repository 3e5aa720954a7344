/// The line that announces a message, put together on the stack: to append its six parts to an array one by one takes
/// three times as long.
struct MessageHead {
    /// Room for the longest: a tag, `MSG`, a name, and the digits of a length.
    private static let capacity = Limits.maxTagBytes + Limits.maxNameBytes + 32

    private let start: UnsafeMutableRawPointer
    private var count = 0

    /// Appends `#tag MSG channel length`, without attributes and line end.
    static func append(to out: inout [UInt8], tag: Tag?, channel: ChannelName, length: Int) {
        withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { room in
            guard let start = room.baseAddress else { return }
            var head = MessageHead(start: start)
            if let tag {
                head.put(UInt8.numberSign)
                head.put(tag.description)
                head.put(UInt8.space)
            }
            head.put("MSG ")
            head.put(channel.description)
            head.put(UInt8.space)
            head.put(decimal: length)
            out.append(contentsOf: UnsafeRawBufferPointer(start: start, count: head.count))
        }
    }

    private init(start: UnsafeMutableRawPointer) {
        self.start = start
    }

    private mutating func put(_ byte: UInt8) {
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Puts a word of the grammar, whose length is bounded.
    private mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            precondition(utf8.count <= Limits.maxNameBytes, "a name is longer than names may be")
            guard let source = utf8.baseAddress else { return }
            (start + count).copyMemory(from: source, byteCount: utf8.count)
            count += utf8.count
        }
    }

    /// Puts the decimal digits of a number that is not negative.
    private mutating func put(decimal number: Int) {
        var power = 1
        while number / power >= 10 { power *= 10 }
        while power > 0 {
            put(.zero + UInt8(number / power % 10))
            power /= 10
        }
    }
}
