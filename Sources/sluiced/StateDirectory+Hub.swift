import Foundation
import SluiceHub

/// The file `hub`: what the hub kept when the last run ended.
///
/// A run that takes it up removes it before it serves a client, so that no message is delivered by two runs.
extension StateDirectory {
    private var hubFile: String { path + "/hub" }

    /// Writes what a drained hub keeps.
    ///
    /// - Parameter time: the time by the clock, in milliseconds since 1970.
    func save(_ hub: StoredHub, at time: Int) throws(SettingsError) {
        try replace(hubFile) { (descriptor) throws(SettingsError) in
            try hub.write(savedAt: time) { (piece) throws(SettingsError) in
                try Self.write(piece, to: descriptor, hubFile)
            }
        }
    }

    /// Reads what the last run has kept. Nil if there is no such file.
    ///
    /// - Throws: ``SettingsError`` also if the file is damaged. It stays where it is.
    func savedHub() throws(SettingsError) -> (hub: StoredHub, savedAt: Int)? {
        let descriptor = Glibc.open(hubFile, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("read", hubFile, errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("read", hubFile, errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            throw damage("the state is incomplete")
        }
        // Mapped, because it may be as large as the memory for kept messages.
        let size = Int(status.st_size)
        guard let bytes = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), bytes != MAP_FAILED else {
            throw Self.failure("read", hubFile, errno)
        }
        defer { munmap(bytes, size) }
        do throws(StoredHubError) {
            return try StoredHub.read(UnsafeRawBufferPointer(start: bytes, count: size))
        } catch {
            throw damage(error.description)
        }
    }

    /// Removes the file, because this run has taken it up.
    func removeSavedHub() throws(SettingsError) {
        guard unlink(hubFile) == 0 else {
            if errno == ENOENT { return }
            throw Self.failure("remove", hubFile, errno)
        }
        try synchronize()
    }

    /// The error for a file that cannot be taken up.
    func damage(_ reason: String) -> SettingsError {
        SettingsError(
            "\(hubFile): \(reason); to start without what the last run kept, move the file away", status: .configuration
        )
    }
}
