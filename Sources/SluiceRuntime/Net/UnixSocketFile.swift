import Glibc

/// The file of a listening Unix-domain socket.
struct UnixSocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds a socket to `path`, which creates the file, with `permissions` from the start. Replaces a file that a
    /// process left behind when it ended, but not one on which a process listens.
    ///
    /// - Throws: `.system`, with `EADDRINUSE` as `errno` when a process listens there or the path is another kind of
    ///   file.
    static func bind(
        _ number: Int32, to path: String, permissions: UInt32, group: UInt32?
    ) throws(SluiceError) -> UnixSocketFile {
        let address = SocketAddress.unix(path: path)
        // Linux creates the file with the socket's own mode, less the umask, so that it is never open to other users.
        guard fchmod(number, group == nil ? permissions : 0o600) == 0 else { throw refusal(errno, of: address) }
        if !bound(number, to: address) {
            let cause = errno
            if cause == EADDRINUSE, let kind = kindOfFile(at: path) {
                throw SluiceError(
                    .system, "cannot listen on \(address): \(String(cString: strerror(cause))) by a \(kind)",
                    errno: cause)
            }
            guard cause == EADDRINUSE, isStale(address, path: path) else { throw refusal(cause, of: address) }
            unlink(path)
            guard bound(number, to: address) else { throw refusal(errno, of: address) }
        }
        if let group, lchown(path, uid_t.max, group) != 0 {
            let cause = errno
            unlink(path)
            throw SluiceError(system: cause, "cannot give the socket \(path) to group \(group)")
        }
        chmod(path, permissions)
        guard let status = status(of: path) else { throw refusal(errno, of: address) }
        return UnixSocketFile(path: path, device: status.st_dev, inode: status.st_ino)
    }

    /// Removes the file, unless it was replaced. Call while the socket is open, which keeps the inode from being used
    /// again.
    func remove() {
        guard let status = Self.status(of: path), status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func bound(_ number: Int32, to address: SocketAddress) -> Bool {
        address.withSystemAddress { Glibc.bind(number, $0, $1) } == 0
    }

    /// Whether the path is a socket on which no process listens.
    private static func isStale(_ address: SocketAddress, path: String) -> Bool {
        guard let status = status(of: path), status.st_mode & S_IFMT == S_IFSOCK,
            let probe = try? Socket.open(for: address)
        else { return false }
        return address.withSystemAddress { connect(probe.number, $0, $1) } != 0 && errno == ECONNREFUSED
    }

    /// Describes a file that is not a socket. Nil if it is one, or if there is no file.
    private static func kindOfFile(at path: String) -> String? {
        guard let status = status(of: path) else { return nil }
        return switch status.st_mode & S_IFMT {
        case S_IFSOCK: nil
        case S_IFREG: "regular file"
        case S_IFDIR: "directory"
        case S_IFLNK: "symbolic link"
        case S_IFIFO: "pipe"
        default: "device"
        }
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func refusal(_ errno: Int32, of address: SocketAddress) -> SluiceError {
        guard let reason = directoryProblem(errno, of: address) else {
            return SluiceError(system: errno, "cannot listen on \(address)")
        }
        return SluiceError(.system, "cannot listen on \(address): \(reason)", errno: errno)
    }

    /// Returns what is wrong with the directory of a path, if that is why the socket cannot be bound.
    private static func directoryProblem(_ errno: Int32, of address: SocketAddress) -> String? {
        guard case .unix(let path) = address else { return nil }
        let directory = SluiceRuntime.directory(ofPath: path)
        return switch errno {
        case ENOENT: "the directory \(directory) does not exist"
        case ENOTDIR: "\(directory) is not a directory"
        case EACCES: "this user may not write to the directory \(directory)"
        case EROFS: "the directory \(directory) is on a file system that cannot be written"
        default: nil
        }
    }
}

/// Returns the directory in which a path stands: "." for a name alone.
package func directory(ofPath path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
}
