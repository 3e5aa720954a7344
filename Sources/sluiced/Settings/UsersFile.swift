import SluiceHub

/// The file of the users that may authenticate: one line per user, with a name and a token separated by blanks. Empty
/// lines and lines that begin with `#` are ignored.
struct UsersFile {
    let principals: Principals

    /// Reads the file.
    ///
    /// - Throws: ``SettingsError`` if the file cannot be read, if a user other than the daemon's own and root owns it,
    ///   or another user may read it, or if a line has a mistake; the message never quotes a token.
    init(path: String) throws(SettingsError) {
        try self.init(path: path, text: PrivateFile.contents(of: path))
    }

    init(path: String, text: String) throws(SettingsError) {
        var principals = Principals()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            guard words.count == 2, principals.add(String(name), token: String(words[1])) else {
                throw SettingsError(
                    "\(path):\(index + 1): write NAME TOKEN, with a valid name that no other line has",
                    status: .configuration)
            }
        }
        guard principals.count > 0 else {
            throw SettingsError("\(path): it has no users; write NAME TOKEN on a line for each", status: .configuration)
        }
        self.principals = principals
    }
}
