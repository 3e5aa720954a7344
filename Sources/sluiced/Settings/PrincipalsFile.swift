import Foundation
import SluiceHub
import Yams

/// The file of the principals: YAML with the key `principals`.
struct PrincipalsFile {
    let principals: Principals

    /// Reads the file.
    ///
    /// - Throws: ``SettingsError`` if the file cannot be read, if a user other than the daemon's own and root owns it,
    ///   or another user may read it, or if it has a mistake.
    init(path: String) throws(SettingsError) {
        try self.init(path: path, text: PrivateFile.contents(of: path))
    }

    init(path: String, text: String) throws(SettingsError) {
        let source = PrincipalSource(path: path)
        let key = SettingsFile.principalsKey
        guard let root = try SettingsFile.parse(text, of: path), root.null == nil, case .mapping(let mapping) = root,
            let (node, value) = mapping.first.map({ ($0.key, $0.value) })
        else { throw source.error("the file must begin with the key \(key)", nil) }
        guard mapping.count == 1, node.string == key else {
            let other = mapping.first { $0.key.string != key }?.key
            throw source.error(
                "unknown key \((other?.string ?? "").debugDescription); the file has only the key \(key)",
                other?.mark?.line)
        }
        principals = try source.principals(value, line: node.mark?.line)
    }
}

/// Files that tell who may use the daemon.
enum PrivateFile {
    /// Returns the content of a file, which it checks before it reads.
    static func contents(of path: String) throws(SettingsError) -> String {
        try TextFile.contents(of: path) { status throws(SettingsError) in try check(status, of: path) }
    }

    /// Checks the open file, so that nobody can replace it between the check and the reading.
    static func check(_ status: stat, of path: String) throws(SettingsError) {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw SettingsError(
                "\(path): user \(status.st_uid) owns the file and can change the tokens; the owner must be user \(geteuid())",
                status: .configuration)
        }
        // As for private keys: a group that root has chosen may read, such as that of the daemon. systemd gives files of
        // LoadCredential such a mode.
        let permitted: mode_t = status.st_uid == 0 ? 0o740 : 0o700
        guard status.st_mode & 0o777 & ~permitted == 0 else {
            throw SettingsError(
                "\(path): other users of this machine can read or change the tokens; run chmod 600 on the file",
                status: .configuration)
        }
    }
}
