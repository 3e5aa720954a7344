/// Why a stored hub cannot be read or taken up.
package struct StoredHubError: Error, CustomStringConvertible {
    /// The line of the text, from 1. Nil if the value as a whole is wrong.
    package let line: Int?
    package let reason: String

    init(_ reason: String, line: Int? = nil) {
        self.line = line
        self.reason = reason
    }

    package var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}
