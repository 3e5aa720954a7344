import Glibc

/// The file by which a listening Unix-domain socket is found.
struct UnixSocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds a socket to `path`: makes the file, with these permissions from the start. A file that a dead process left
    /// behind is replaced; one on which somebody listens is not.
    ///
    /// - Throws: `.system`, `errno` being `EADDRINUSE` when somebody listens there or the path is another kind of file.
    static func bind(_ number: Int32, to path: String, permissions: UInt32) throws(SluiceError) -> UnixSocketFile {
        let address = SocketAddress.unix(path: path)
        // Linux makes the file with the socket's own mode, less the umask: there is no moment when it is open to all.
        guard fchmod(number, permissions) == 0 else { throw refusal(errno, of: address) }
        if !bound(number, to: address) {
            guard errno == EADDRINUSE, isStale(address, path: path) else { throw refusal(EADDRINUSE, of: address) }
            unlink(path)
            guard bound(number, to: address) else { throw refusal(errno, of: address) }
        }
        chmod(path, permissions)
        guard let status = status(of: path) else { throw refusal(errno, of: address) }
        return UnixSocketFile(path: path, device: status.st_dev, inode: status.st_ino)
    }

    /// Removes the file, unless somebody has put another one in its place. Only while the socket is open: that keeps the
    /// inode from being used again.
    func remove() {
        guard let status = Self.status(of: path), status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func bound(_ number: Int32, to address: SocketAddress) -> Bool {
        address.withSystemAddress { Glibc.bind(number, $0, $1) } == 0
    }

    /// Whether the path is a socket on which nobody listens.
    private static func isStale(_ address: SocketAddress, path: String) -> Bool {
        guard let status = status(of: path), status.st_mode & S_IFMT == S_IFSOCK,
            let probe = try? Socket.open(for: address)
        else { return false }
        return address.withSystemAddress { connect(probe.number, $0, $1) } != 0 && errno == ECONNREFUSED
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func refusal(_ errno: Int32, of address: SocketAddress) -> SluiceError {
        SluiceError(system: errno, "cannot listen on \(address)")
    }
}
