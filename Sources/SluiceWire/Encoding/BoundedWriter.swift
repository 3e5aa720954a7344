/// Writes bytes into free memory at the end of a buffer, up to a limit that the caller has reserved.
///
/// Appending the parts of a line to an array one by one takes three times as long, because each append checks the
/// capacity again.
struct BoundedWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        precondition(count < memory.count, "more bytes than the reserved limit")
        memory[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= memory.count - count, "more bytes than the reserved limit")
        guard let source = bytes.baseAddress, let start = memory.baseAddress else { return }
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func put(_ text: String) {
        // Unlike `withUTF8`, this needs no copy, which would take a reference count.
        if text.utf8.withContiguousStorageIfAvailable({ put(UnsafeRawBufferPointer($0)) }) != nil { return }
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    /// The most digits of a decimal number.
    static let mostDigits = 20

    /// Puts the decimal digits of a number, which must not be negative.
    mutating func put(decimal number: Int) {
        // Most numbers are lengths of short texts. For those, the loops below would take 40 more instructions, of 1 100
        // for a streamed message.
        guard number >= 100 else {
            if number >= 10 { put(.zero + UInt8(truncatingIfNeeded: number / 10)) }
            return put(.zero + UInt8(truncatingIfNeeded: number % 10))
        }
        var length = 1
        var bound = 10
        while number >= bound, length < Self.mostDigits - 1 {
            length += 1
            bound &*= 10
        }
        precondition(length <= memory.count - count, "more bytes than the reserved limit")
        var rest = UInt(number)
        var place = count + length
        repeat {
            place -= 1
            memory[place] = .zero + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while place > count
        count += length
    }
}

extension [UInt8] {
    /// Appends the bytes that `write` puts, of which there must be at most `limit`.
    @inline(__always)
    mutating func append(atMost limit: Int, _ write: (inout BoundedWriter) -> Void) {
        append(addingCapacity: limit) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { memory, count in
                // The array may have reserved more memory, so the writer checks against the limit.
                var writer = BoundedWriter(UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: limit))
                write(&writer)
                count = writer.count
            }
        }
    }
}
