/// A refusal: what an `ERR` reply carries.
package struct WireError: Error, Sendable, Hashable {
    /// The word after `ERR`, for programs.
    package var code: Code

    /// The rest of the line, for people. Never echoes raw input.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the server closes the connection after this refusal.
    package var isFatal: Bool { code.isFatal }
}

extension WireError {
    /// A code of an `ERR` reply. The protocol may gain codes: a client meets unknown ones as values like any other.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code as it is written on the wire: lower-case letters and hyphens.
        package let description: String

        private init(known code: String) {
            description = code
        }

        init?(_ word: ByteView) {
            let isCodeByte = { (byte: UInt8) in byte.isLetter && byte != byte.uppercased || byte == .hyphen }
            guard !word.isEmpty, word.allSatisfy(isCodeByte) else { return nil }
            description = word.string
        }

        /// The codes after which the server closes, because it no longer knows where a command begins.
        package var isFatal: Bool { self == .framing || self == .notSluice }
    }
}

extension WireError.Code {
    package static let syntax = Self(known: "syntax")
    package static let unknownCommand = Self(known: "unknown-command")
    package static let badOption = Self(known: "bad-option")
    package static let badName = Self(known: "bad-name")
    package static let badNumber = Self(known: "bad-number")
    package static let tooLong = Self(known: "too-long")
    package static let tooBig = Self(known: "too-big")
    package static let tagInUse = Self(known: "tag-in-use")
    package static let conflict = Self(known: "conflict")
    package static let stale = Self(known: "stale")
    package static let notFound = Self(known: "not-found")
    package static let limit = Self(known: "limit")
    package static let authRequired = Self(known: "auth-required")
    package static let denied = Self(known: "denied")
    package static let draining = Self(known: "draining")
    package static let framing = Self(known: "framing")
    package static let notSluice = Self(known: "not-sluice")

    /// Every code this version knows, in the order of the protocol document.
    package static let all: [Self] = [
        .syntax, .unknownCommand, .badOption, .badName, .badNumber, .tooLong, .tooBig, .tagInUse, .conflict, .stale,
        .notFound, .limit, .authRequired, .denied, .draining, .framing, .notSluice,
    ]
}
