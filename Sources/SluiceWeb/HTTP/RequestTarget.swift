import SluiceRuntime

/// The target of a request: a path and a query.
struct RequestTarget: Sendable, Equatable {
    /// The path, with its percent-encoding decoded.
    var path: String
    /// The parameters of the query, decoded, in their order.
    var parameters: [Parameter]

    struct Parameter: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// The most bytes of a path before it is decoded. The longest that leads anywhere is that of a channel whose name is
    /// encoded byte for byte.
    static let maxPathBytes = 1000
    /// The most parameters of a query.
    static let maxParameters = 16

    /// - Throws: ``Refusal`` for a target that is not a path, that is too long, or whose encoding is malformed.
    init(_ text: String) throws(Refusal) {
        if text == "*" {
            (path, parameters) = ("*", [])
            return
        }
        // Bytes, because comparing characters can take a microsecond for each.
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "/"), !bytes.contains(UInt8(ascii: "#")) else {
            throw Refusal(.badRequest, "the target of a request must be a path; this is not a proxy")
        }
        let parts = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].count <= Self.maxPathBytes else {
            throw Refusal(.uriTooLong, "a path has at most \(Self.maxPathBytes) bytes")
        }
        path = try Self.decode(parts[0], plusIsBlank: false)
        parameters = parts.count == 2 && !parts[1].isEmpty ? try Self.parameters(of: parts[1]) : []
    }

    private static func parameters(of query: ArraySlice<UInt8>) throws(Refusal) -> [Parameter] {
        let pairs = query.split(
            separator: UInt8(ascii: "&"), maxSplits: maxParameters, omittingEmptySubsequences: false)
        guard pairs.count <= maxParameters else {
            throw Refusal(.badRequest, "a query has at most \(maxParameters) parameters")
        }
        var parameters: [Parameter] = []
        for pair in pairs {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decode(parts[0], plusIsBlank: true)
            guard !parameters.contains(where: { $0.name == name }) else {
                throw Refusal(.badRequest, "a parameter of the query occurs twice")
            }
            let value = parts.count == 2 ? try decode(parts[1], plusIsBlank: true) : ""
            parameters.append(Parameter(name: name, value: value))
        }
        return parameters
    }

    private static func decode(_ text: ArraySlice<UInt8>, plusIsBlank: Bool) throws(Refusal) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "%"):
                guard index + 2 <= text.endIndex, let high = text[index].hexDigit, let low = text[index + 1].hexDigit
                else { throw Refusal(.badRequest, "a % in the target must be followed by two hexadecimal digits") }
                bytes.append(high << 4 | low)
                index += 2
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Refusal(.badRequest, "the target must be UTF-8")
        }
        return decoded
    }
}
