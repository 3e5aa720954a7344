/// Writes bytes into the free room behind those of an array.
///
/// Appending the parts of a line to an array one by one takes three times as long: each append asks anew whether there
/// is room.
struct RoomWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        precondition(count < room.count, "more bytes than the capacity that was asked for")
        room[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= room.count - count, "more bytes than the capacity that was asked for")
        guard let source = bytes.baseAddress, let start = room.baseAddress else { return }
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
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
        precondition(length <= room.count - count, "more bytes than the capacity that was asked for")
        var rest = UInt(number)
        var place = count + length
        repeat {
            place -= 1
            room[place] = .zero + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while place > count
        count += length
    }
}

extension [UInt8] {
    /// Appends what `write` puts, which is at most `capacity` bytes.
    @inline(__always)
    mutating func append(atMost capacity: Int, _ write: (inout RoomWriter) -> Void) {
        append(addingCapacity: capacity) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { room, count in
                // The array may have more room than was asked for: the writer checks against what was asked for.
                var writer = RoomWriter(UnsafeMutableRawBufferPointer(start: room.baseAddress, count: capacity))
                write(&writer)
                count = writer.count
            }
        }
    }
}
