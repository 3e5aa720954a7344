import Foundation
import SluiceHub

/// The file of the users that may authenticate: one line per user, with a name and a token separated by blanks. Empty
/// lines and lines that begin with `#` are ignored.
struct UsersFile {
    let users: Users

    /// Reads the file.
    ///
    /// - Throws: ``SettingsError`` if the file cannot be read, if every user of the machine can read it, or if a line has
    ///   a mistake; the message never quotes a token.
    init(path: String) throws(SettingsError) {
        let text = try TextFile.contents(of: path)
        guard Self.isPrivate(path) else {
            throw SettingsError(
                "\(path): every user of this machine can read the tokens; run chmod 600 on the file",
                status: .configuration)
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
                    "\(path):\(index + 1): write NAME TOKEN, with a valid name that no other line has",
                    status: .configuration)
            }
        }
        guard users.count > 0 else {
            throw SettingsError("\(path): it has no users; write NAME TOKEN on a line for each", status: .configuration)
        }
        self.users = users
    }

    private static func isPrivate(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o007 == 0
    }
}
