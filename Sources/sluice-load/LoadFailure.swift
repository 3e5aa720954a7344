import Glibc

/// Why a run failed, in one line. Anything unexpected that is received fails the run, and the process exits with a
/// status other than 0.
struct LoadFailure: Error, Hashable, CustomStringConvertible {
    let message: String

    init(_ message: String) { self.message = message }

    /// A failed system call, with what was attempted.
    init(system number: Int32, _ attempt: String) {
        self.init("\(attempt): \(String(cString: strerror(number)))")
    }

    /// Unexpected bytes.
    init(expected: String, found bytes: UnsafeRawBufferPointer) {
        let shown = bytes.prefix(80).map { $0 >= 0x20 && $0 < 0x7F ? String(UnicodeScalar($0)) : "\\\($0)" }
        self.init("expected \(expected), but received '\(shown.joined())'")
    }

    var description: String { message }
}
