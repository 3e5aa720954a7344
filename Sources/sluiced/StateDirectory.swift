import Foundation
import SluiceRuntime
import Synchronization

/// The directory in which the daemon keeps two files between its runs: a number, so that epochs and fences grow even if
/// the clock is set back, and what the hub kept.
///
/// The file `epoch` holds a number that no epoch so far exceeds; the fences of the next run begin above it. A run reserves more than it uses, and
/// reserves again before it has used that up, so that the number is right whenever the daemon is killed.
final class StateDirectory: Sendable {
    let path: String
    private let reserved = Lock(0)
    /// Keeps other daemons out of the directory as long as it is open.
    private let lockDescriptor: Int32

    /// The epochs that a run reserves. An epoch leaves room for a million leases.
    private static let reserve = 1024
    /// Fences have room for smaller epochs only: for times before the year 2248.
    private static let end = 1 << 43

    /// - Throws: ``SettingsError`` if the directory cannot be used, or another daemon uses it.
    init(path: String) throws(SettingsError) {
        self.path = path
        try Self.check(path)
        lockDescriptor = Glibc.open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lockDescriptor >= 0 else { throw Self.failure("open", path + "/lock", errno) }
        guard flock(lockDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            let cause = errno
            close(lockDescriptor)
            guard cause == EWOULDBLOCK else { throw Self.failure("lock", path, cause) }
            throw SettingsError("state-directory: another sluiced uses \(path.debugDescription)", status: .unavailable)
        }
    }

    deinit { close(lockDescriptor) }

    /// Checks whether the directory exists and the daemon may write to it.
    static func check(_ path: String) throws(SettingsError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("use", path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw failure("use", path, ENOTDIR) }
        guard access(path, W_OK | X_OK) == 0 else { throw failure("write to", path, errno) }
    }

    /// Returns the epoch of a new run: the time, or one more than the reserved number if the time is not greater than that.
    ///
    /// - Parameter time: the time by the clock, in milliseconds since 1970.
    func beginEpoch(at time: Int) throws(SettingsError) -> Int {
        let epoch = max(time, try last() + 1)
        try write(epoch + Self.reserve)
        return epoch
    }

    /// Reserves more epochs if the run may soon use up those that it has reserved.
    ///
    /// - Parameter next: the least epoch that a next run could have.
    func keepAhead(of next: Int) throws(SettingsError) {
        guard next + Self.reserve / 2 > reserved.withLock({ $0 }) else { return }
        try write(next + Self.reserve)
    }

    private var file: String { path + "/epoch" }

    /// Returns the number that no earlier epoch exceeds; 0 in a new directory.
    private func last() throws(SettingsError) -> Int {
        guard access(file, F_OK) == 0 || errno != ENOENT else { return 0 }
        let text = try TextFile.contents(of: file)
        guard let number = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), (0..<Self.end).contains(number)
        else {
            throw SettingsError(
                "\(file): it does not hold a number below \(Self.end); write one that no epoch so far exceeds",
                status: .configuration)
        }
        return number
    }

    private func write(_ number: Int) throws(SettingsError) {
        try replace(file) { (descriptor) throws(SettingsError) in
            try Self.write(Array("\(number)\n".utf8), to: descriptor, file)
        }
        reserved.withLock { $0 = number }
    }

    /// Replaces a file of the directory. Either the old or the new content survives a crash.
    ///
    /// - Parameter write: writes the new content to a descriptor.
    func replace(
        _ file: String, _ write: (_ descriptor: Int32) throws(SettingsError) -> Void
    ) throws(SettingsError) {
        let draft = file + ".new"
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("write to", draft, errno) }
        defer { close(descriptor) }
        try write(descriptor)
        guard fsync(descriptor) == 0 else { throw Self.failure("write to", draft, errno) }
        guard rename(draft, file) == 0 else { throw Self.failure("write to", file, errno) }
        try synchronize()
    }

    /// Writes all bytes to the draft of a file.
    static func write(_ bytes: [UInt8], to descriptor: Int32, _ file: String) throws(SettingsError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write to", file + ".new", errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Waits until the disk has the names of the directory.
    func synchronize() throws(SettingsError) {
        let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("open", path, errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure("write to", path, errno) }
    }

    static func failure(_ action: String, _ path: String, _ cause: CInt) -> SettingsError {
        SettingsError(
            "state-directory: cannot \(action) \(path.debugDescription): \(String(cString: strerror(cause)))",
            status: ExitStatus(readFailure: cause))
    }
}
