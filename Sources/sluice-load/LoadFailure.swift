import Glibc

/// Why a run is worth nothing: one line for a person. Whatever is received that is not exactly what was to come ends a
/// run with one, and the process with a status other than 0.
struct LoadFailure: Error, Hashable, CustomStringConvertible {
    let message: String

    init(_ message: String) { self.message = message }

    /// A refusal by the operating system: what was tried, and why it failed.
    init(system number: Int32, _ attempt: String) {
        self.init("\(attempt): \(String(cString: strerror(number)))")
    }

    /// What has come instead of what was to come.
    init(expected: String, found bytes: UnsafeRawBufferPointer) {
        let shown = bytes.prefix(80).map { $0 >= 0x20 && $0 < 0x7F ? String(UnicodeScalar($0)) : "\\\($0)" }
        self.init("expected \(expected), and received '\(shown.joined())'")
    }

    var description: String { message }
}
