import Foundation
import SluiceHub

/// The file of those who may use the daemon: a line each, a name and its token, with blanks between them. Empty lines count
/// for nothing, nor do lines that begin with `#`.
struct UsersFile {
    let users: Users

    /// Reads the file.
    ///
    /// - Throws: ``SettingsError``, when it cannot be read, when everybody on the machine can read it, and for the first
    ///   line that is wrong; it never quotes a token.
    init(path: String) throws(SettingsError) {
        let text = try TextFile.contents(of: path)
        guard Self.isPrivate(path) else {
            throw SettingsError(
                "\(path): everybody on this machine can read the tokens; chmod 600 forbids it", status: .configuration)
        }
        try self.init(path: path, text: text)
    }

    init(path: String, text: String) throws(SettingsError) {
        var users = Users()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            guard words.count == 2, users.add(String(name), token: String(words[1])) else {
                throw SettingsError(
                    "\(path):\(index + 1): a line is a name that stands once, and a token", status: .configuration)
            }
        }
        guard users.count > 0 else { throw SettingsError("\(path): there is no user in it", status: .configuration) }
        self.users = users
    }

    private static func isPrivate(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o007 == 0
    }
}
