import SluiceRuntime

/// The target of a request: a path and a query.
struct RequestTarget: Sendable, Equatable {
    /// The path as it is written, which decides what the request is for. A proxy that permits some paths may not decode
    /// them.
    var path: String
    /// The path with its percent-encoding decoded. Names are taken from it.
    var decodedPath: String
    /// The parameters of the query, decoded, in their order.
    var parameters: [Parameter]

    struct Parameter: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// The most bytes of a path before it is decoded. None that leads anywhere is as long.
    static let maxPathBytes = 1000
    /// The most parameters of a query.
    static let maxParameters = 16

    /// - Throws: ``Refusal`` for a target that is not a path, that is too long, or whose encoding is malformed.
    init(_ text: String) throws(Refusal) {
        if text == "*" {
            (path, decodedPath, parameters) = ("*", "*", [])
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
        try Self.checkPath(parts[0])
        decodedPath = try Self.decode(parts[0], plusIsBlank: false)
        path = String(decoding: parts[0], as: UTF8.self)
        parameters = parts.count == 2 && !parts[1].isEmpty ? try Self.parameters(of: parts[1]) : []
    }

    /// Refuses a path in which characters are encoded that never need it, because proxies read such a path in different
    /// ways.
    private static func checkPath(_ path: ArraySlice<UInt8>) throws(Refusal) {
        for index in path.indices where path[index] == UInt8(ascii: "%") && index + 2 < path.endIndex {
            guard let high = path[index + 1].hexDigit, let low = path[index + 2].hexDigit else { continue }
            if (high << 4 | low).isUnreserved {
                throw Refusal(.badRequest, "write letters, digits and the characters - . _ ~ of a path without %")
            }
        }
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

extension UInt8 {
    /// Whether the byte is a character that never needs percent-encoding.
    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
