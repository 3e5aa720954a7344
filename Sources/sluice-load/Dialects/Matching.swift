import Glibc

extension UnsafeRawBufferPointer {
    /// Returns true when exactly these bytes are at the offset; nil when the bytes end before they differ.
    ///
    /// - Throws: when they differ.
    @inline(__always)
    func holds(_ expected: [UInt8], at offset: Int) throws(LoadFailure) -> Bool? {
        let there = Swift.min(expected.count, count - offset)
        let isSame = expected.withUnsafeBytes { wanted -> Bool in
            guard there > 0, let wanted = wanted.baseAddress, let found = baseAddress else { return true }
            return memcmp(found + offset, wanted, there) == 0
        }
        guard isSame else { throw unexpected(expected, at: offset) }
        return there == expected.count ? true : nil
    }

    /// Returns whether these bytes are at the offset, as far as there are any.
    @inline(__always)
    func mayHold(_ expected: [UInt8], at offset: Int) -> Bool {
        let there = Swift.min(expected.count, count - offset)
        return expected.withUnsafeBytes { wanted -> Bool in
            guard there > 0, let wanted = wanted.baseAddress, let found = baseAddress else { return there == 0 }
            return memcmp(found + offset, wanted, there) == 0
        }
    }

    /// Returns the number at the offset, and where it ends; nil while no byte follows it.
    ///
    /// - Throws: when there is no digit at the offset.
    @inline(__always)
    func number(at offset: Int) throws(LoadFailure) -> (value: Int, end: Int)? {
        var end = offset
        var value = 0
        while end < count, self[end] &- 0x30 < 10, end - offset < 18 {
            value = value &* 10 &+ Int(self[end] &- 0x30)
            end += 1
        }
        guard end < count else { return nil }
        guard end > offset else { throw unexpected(Array("a number".utf8), at: offset) }
        return (value, end)
    }

    @inline(never)
    func unexpected(_ expected: [UInt8], at offset: Int) -> LoadFailure {
        let shown = String(decoding: expected.prefix(80), as: UTF8.self).trimmingLineEnd
        return LoadFailure(expected: "'\(shown)'", found: UnsafeRawBufferPointer(rebasing: self[offset...]).firstLine)
    }

    /// The bytes before the first line end.
    var firstLine: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[..<(firstIndex { $0 == 0x0A || $0 == 0x0D } ?? endIndex)])
    }
}

extension String {
    var trimmingLineEnd: String { String(prefix { !$0.isNewline }) }
}
