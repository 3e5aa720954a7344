/// The bytes with a meaning in the grammar, and the classes of bytes in names, keys and numbers.
extension UInt8 {
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var numberSign: UInt8 { UInt8(ascii: "#") }
    static var hyphen: UInt8 { UInt8(ascii: "-") }
    static var equals: UInt8 { UInt8(ascii: "=") }
    static var bar: UInt8 { UInt8(ascii: "|") }
    static var zero: UInt8 { UInt8(ascii: "0") }

    var isLetter: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    var isDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// Whether the byte is allowed in a tag.
    var isTagByte: Bool {
        switch self {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: isLetter || isDigit
        }
    }

    /// Whether the byte is allowed in the name of a channel.
    var isNameByte: Bool {
        switch self {
        case UInt8(ascii: ":"), UInt8(ascii: "/"): true
        default: isTagByte
        }
    }

    /// Whether the byte is allowed in a verb or the key of an option, after the first letter.
    var isKeyByte: Bool { isLetter || isDigit || self == .hyphen }

    /// Whether the byte is a printable ASCII character other than the space.
    var isVisible: Bool { self > .space && self < 0x7F }

    /// The upper-case form of a lower-case letter. Other bytes stay as they are.
    var uppercased: UInt8 {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): self & 0xDF
        default: self
        }
    }
}
