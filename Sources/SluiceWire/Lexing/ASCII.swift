/// The bytes that the grammar gives a meaning, and the classes of bytes that names, keys and numbers are made of.
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

    /// Whether the byte may stand in a tag.
    var isTagByte: Bool {
        switch self {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: isLetter || isDigit
        }
    }

    /// Whether the byte may stand in the name of a channel.
    var isNameByte: Bool {
        switch self {
        case UInt8(ascii: ":"), UInt8(ascii: "/"): true
        default: isTagByte
        }
    }

    /// Whether the byte may stand in a verb or in the key of an option, after a first letter.
    var isKeyByte: Bool { isLetter || isDigit || self == .hyphen }

    /// Whether the byte leaves a mark on paper: neither a space nor a control, and not a part of a longer character.
    var isVisible: Bool { self > .space && self < 0x7F }

    /// The upper-case form of a lower-case letter; every other byte as it is.
    var uppercased: UInt8 {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): self & 0xDF
        default: self
        }
    }
}
