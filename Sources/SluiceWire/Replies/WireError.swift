/// The reason why the server refused a command, as an `ERR` reply carries it.
package struct WireError: Error, Sendable, Hashable {
    /// The word after `ERR`, for programs.
    package var code: Code

    /// The rest of the line, for people. It never repeats input of a client.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the server closes the connection after this error.
    package var isFatal: Bool { code.isFatal }
}

extension WireError {
    /// The code of an `ERR` reply. Later versions of the protocol may add codes, so a client accepts unknown ones.
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

        /// Whether the server closes the connection, because it no longer knows where the next command begins.
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

    /// All codes of this version, in the order of the protocol document.
    package static let all: [Self] = [
        .syntax, .unknownCommand, .badOption, .badName, .badNumber, .tooLong, .tooBig, .tagInUse, .conflict, .stale,
        .notFound, .limit, .authRequired, .denied, .draining, .framing, .notSluice,
    ]
}
