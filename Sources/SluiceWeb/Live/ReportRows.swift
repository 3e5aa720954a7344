/// The rows of a report in JSON, as bytes. The report is an object with a list of rows, and a row is an object that
/// contains no lists or objects.
struct ReportRows: Sequence {
    private let page: [UInt8]

    init(_ page: [UInt8]) { self.page = page }

    /// A row, such as `{"buffered":0,"name":"jobs"}`.
    struct Row {
        let bytes: ArraySlice<UInt8>

        /// The value of the key `name`, which needs no escapes.
        var name: String {
            guard let value = bytes.value(of: "name") else { return "" }
            return String(decoding: value.dropFirst().dropLast(), as: UTF8.self)
        }

        var longestWaitSeconds: Double? {
            bytes.value(of: "longestWaitSeconds").flatMap { Double(String(decoding: $0, as: UTF8.self)) }
        }

        /// A hash of the row without the time of the longest wait.
        var digest: Int {
            var hasher = Hasher()
            guard let wait = bytes.value(of: "longestWaitSeconds") else {
                bytes.hash(into: &hasher)
                return hasher.finalize()
            }
            bytes[..<wait.startIndex].hash(into: &hasher)
            bytes[wait.endIndex...].hash(into: &hasher)
            return hasher.finalize()
        }
    }

    /// The number of rows after the page.
    var omitted: Int {
        page[...].value(of: "omitted").flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    func makeIterator() -> Iterator {
        Iterator(page: page, index: page.firstIndex(of: UInt8(ascii: "[")) ?? page.count)
    }

    struct Iterator: IteratorProtocol {
        fileprivate let page: [UInt8]
        fileprivate var index: Int

        mutating func next() -> Row? {
            while index < page.count, page[index] != UInt8(ascii: "{") {
                if page[index] == UInt8(ascii: "]") { return nil }
                index += 1
            }
            let beginning = index
            var isInText = false
            while index < page.count {
                let byte = page[index]
                index += 1
                switch byte {
                case UInt8(ascii: "\\") where isInText: index += 1
                case UInt8(ascii: "\""): isInText.toggle()
                case UInt8(ascii: "}") where !isInText: return Row(bytes: page[beginning..<index])
                default: break
                }
            }
            return nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Returns the bytes of the value of a key; nil if the key is missing. The value is a number, or a text without
    /// commas and braces.
    ///
    /// A text cannot contain the key with its quotation marks: they would be escaped there.
    fileprivate func value(of key: String) -> ArraySlice<UInt8>? {
        let pattern = Array("\"\(key)\":".utf8)
        var start = startIndex
        while let quote = self[start...].firstIndex(of: UInt8(ascii: "\"")) {
            if self[quote...].starts(with: pattern), quote == startIndex || self[quote - 1] != UInt8(ascii: "\\") {
                let value = self[(quote + pattern.count)...]
                let end = value.firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
                return value[..<(end ?? endIndex)]
            }
            start = quote + 1
        }
        return nil
    }
}
