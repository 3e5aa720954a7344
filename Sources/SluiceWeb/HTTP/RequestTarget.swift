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

    /// - Throws: ``Refusal`` for a target that is not a path, or whose encoding is malformed.
    init(_ text: String) throws(Refusal) {
        if text == "*" {
            (path, parameters) = ("*", [])
            return
        }
        guard text.utf8.first == UInt8(ascii: "/"), !text.utf8.contains(UInt8(ascii: "#")) else {
            throw Refusal(.badRequest, "the target of a request must be a path; this is not a proxy")
        }
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = try Self.decode(parts[0], plusIsBlank: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            parameters = []
            return
        }
        parameters = try parts[1].split(separator: "&", omittingEmptySubsequences: false).map {
            pair throws(Refusal) in
            let pair = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Parameter(
                name: try Self.decode(pair[0], plusIsBlank: true),
                value: pair.count == 2 ? try Self.decode(pair[1], plusIsBlank: true) : "")
        }
        for (index, parameter) in parameters.enumerated()
        where parameters[..<index].contains(where: { $0.name == parameter.name }) {
            throw Refusal(.badRequest, "a parameter of the query occurs twice")
        }
    }

    private static func decode(_ text: Substring, plusIsBlank: Bool) throws(Refusal) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2).map { UInt8($0) }
                guard digits.count == 2, let high = digits[0].hexDigit, let low = digits[1].hexDigit else {
                    throw Refusal(.badRequest, "a % in the target must be followed by two hexadecimal digits")
                }
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
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
