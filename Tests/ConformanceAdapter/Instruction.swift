/// An instruction of the kit: `7 send timeout=5s jobs hello`.
struct Instruction: Sendable {
    let number: String
    let verb: String
    let options: [String: String]
    let operands: [String]

    /// Returns nil if the line is not an instruction.
    init?(_ line: String) {
        // Not by characters: that of a message of 1 MiB takes seconds in a debug build.
        let words = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 2 else { return nil }
        number = words[0]
        verb = words[1]
        let options = words[2...].prefix { $0.contains("=") }
        operands = Array(words[(2 + options.count)...])
        self.options = Self.options(options)
    }

    private static func options(_ words: some Sequence<String>) -> [String: String] {
        var options: [String: String] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1)
            options[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return options
    }

    /// The message of a send, the answer or the reason.
    var body: [UInt8] { operands.count > 1 ? Self.bytes(operands[1]) : [] }
    var timeout: Duration? { options["timeout"].map(Self.duration) }
    var lease: Duration? { options["lease"].map(Self.duration) }

    /// The words of each arm of a select.
    var arms: [[String]] { operands.split(separator: "|").map(Array.init) }

    /// Returns the bytes of a word in which `%` and two hexadecimal digits stand for a byte.
    static func bytes(_ word: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var digits = 0
        for byte in word.utf8 {
            switch digits {
            case 2: bytes.append(value(ofDigit: byte) << 4)
            case 1: bytes[bytes.count - 1] |= value(ofDigit: byte)
            case _ where byte != UInt8(ascii: "%"): bytes.append(byte)
            default: break
            }
            digits = digits > 0 ? digits - 1 : byte == UInt8(ascii: "%") ? 2 : 0
        }
        return bytes
    }

    private static func value(ofDigit digit: UInt8) -> UInt8 {
        digit <= UInt8(ascii: "9") ? digit & 15 : (digit & 7) + 9
    }

    /// Returns the word that stands for bytes.
    static func word(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var spelled: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                spelled.append(byte)
            default: spelled += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: spelled, as: UTF8.self)
    }

    private static func duration(_ text: String) -> Duration {
        let number = Int64(text.prefix { $0.isNumber }) ?? 0
        return switch text.drop(while: \.isNumber) {
        case "ms": .milliseconds(number)
        case "m": .seconds(60 * number)
        case "h": .seconds(3600 * number)
        default: .seconds(number)
        }
    }
}
