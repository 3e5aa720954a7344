import Foundation

/// Reads files of UTF-8 text. Reading never blocks for long, and never takes more memory than a file of settings may
/// need.
enum TextFile {
    /// The largest file that is read.
    static let maxBytes = 1 << 20

    /// Returns the text of a regular file.
    ///
    /// - Parameter check: checks the open file before it is read; gets its status.
    /// - Throws: ``SettingsError`` if the file cannot be read, is not a regular file, is too large, or is not UTF-8.
    static func contents(
        of path: String, _ check: (stat) throws(SettingsError) -> Void = { _ in }
    ) throws(SettingsError) -> String {
        // Opening a pipe without O_NONBLOCK waits for its other end.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw unreadable(path, cause: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, cause: errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw unreadable(path, cause: EISDIR) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SettingsError("cannot read \(path.debugDescription): it is not a regular file", status: .noInput)
        }
        try check(status)
        guard let text = String(validating: try bytes(of: descriptor, path), as: UTF8.self) else {
            throw SettingsError("\(path): the file is not UTF-8 text", status: .configuration)
        }
        return text
    }

    private static func bytes(of descriptor: Int32, _ path: String) throws(SettingsError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, cause: errno) }
            if count == 0 { return bytes }
            bytes += block[..<count]
            guard bytes.count <= maxBytes else {
                throw SettingsError("\(path): the file must have at most \(maxBytes) bytes", status: .configuration)
            }
        }
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
        case ENOENT, ENOTDIR, EISDIR, ENXIO, ENODEV: self = .noInput
        case EACCES, EPERM: self = .noPermission
        default: self = .inputOutput
        }
    }
}
