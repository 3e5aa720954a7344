import Foundation

/// Reads files of UTF-8 text.
enum TextFile {
    /// Returns the text of a file or of a pipe, as in `--config <(generate)`.
    static func contents(of path: String) throws(SettingsError) -> String {
        guard let file = fopen(path, "re") else { throw unreadable(path, cause: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        while case let count = fread(&block, 1, block.count, file), count > 0 {
            bytes += block[..<count]
        }
        guard ferror(file) == 0 else { throw unreadable(path, cause: errno) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingsError("\(path): the file is not UTF-8 text", status: .configuration)
        }
        return text
    }

    private static func unreadable(_ path: String, cause: CInt) -> SettingsError {
        let reason = String(cString: strerror(cause))
        return SettingsError("cannot read \(path.debugDescription): \(reason)", status: ExitStatus(readFailure: cause))
    }
}

extension ExitStatus {
    /// The exit status for a file whose reading fails with this `errno`.
    init(readFailure: CInt) {
        switch readFailure {
        case ENOENT, ENOTDIR, EISDIR: self = .noInput
        case EACCES, EPERM: self = .noPermission
        default: self = .inputOutput
        }
    }
}
