import Glibc

/// A file, which is read and written on a thread of a pool, because the kernel makes the calling thread wait for a disk.
///
/// One task uses a file at a time. When it is cancelled or its time runs out, the operation may happen nevertheless. A file
/// is closed when nothing refers to it any more. After gevent's `FileObjectThread`.
///
/// ```swift
/// let log = try await File.open("/var/log/crawler.log", .appending)
/// try await log.write("crawled \(page)\n".utf8)
/// ```
public final class File: Sendable {
    /// The file's path.
    public let path: String
    private let descriptor: Descriptor
    private let pool: BlockingPool

    /// What a file is opened for.
    public enum Mode: Sendable, Hashable {
        case reading
        /// Creates the file, or empties it.
        case writing
        /// Creates the file unless it exists. Everything is written behind its end.
        case appending
        /// Opens a file that exists for reading and writing.
        case updating

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY
            case .writing: O_WRONLY | O_CREAT | O_TRUNC
            case .appending: O_WRONLY | O_CREAT | O_APPEND
            case .updating: O_RDWR
            }
        }
    }

    private init(_ descriptor: consuming Descriptor, at path: String, on pool: BlockingPool) {
        self.descriptor = descriptor
        self.path = path
        self.pool = pool
    }

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the path; a relative one begins at the current folder of the process.
    ///   - mode: what the file is opened for.
    ///   - permissions: those of a new file, from which the process's `umask` is taken away.
    ///   - pool: the threads for this and all later operations.
    /// - Throws: `.system` when the file cannot be opened; `.cancelled`.
    public static func open(
        _ path: String, _ mode: Mode = .reading, permissions: UInt32 = 0o666, on pool: BlockingPool = .shared
    ) async throws -> File {
        try await offload(to: pool) {
            guard !path.utf8.contains(0) else { throw SluiceError(.misuse, "a path cannot contain a zero byte") }
            let number = Glibc.open(path, mode.flags | O_CLOEXEC, mode_t(permissions))
            guard number >= 0 else { throw SluiceError(system: errno, "cannot open \(path)") }
            return File(Descriptor(owning: number), at: path, on: pool)
        }
    }

    /// Reads the next bytes.
    ///
    /// - Parameter limit: the most bytes, at least 1.
    /// - Returns: the bytes; an empty array at the end of the file.
    /// - Throws: `.system` when the kernel reports an error; `.cancelled`.
    public func read(upTo limit: Int) async throws -> [UInt8] {
        precondition(limit >= 1, "the limit must be at least 1, and is \(limit)")
        return try await offload(to: pool) { [self] in try readNow(upTo: limit) }
    }

    /// Reads from here to the end of the file.
    ///
    /// - Parameter limit: the most bytes.
    /// - Throws: `.refused` when there are more; `.system` when the kernel reports an error; `.cancelled`.
    public func readToEnd(upTo limit: Int = 64 << 20) async throws -> [UInt8] {
        try await offload(to: pool) { [self] in
            var all: [UInt8] = []
            while true {
                let bytes = try readNow(upTo: 1 << 18)
                if bytes.isEmpty { return all }
                guard bytes.count <= limit - all.count else {
                    throw SluiceError(.refused, "\(path) has more than \(limit) bytes")
                }
                all += bytes
            }
        }
    }

    /// Writes all bytes.
    ///
    /// - Throws: `.system` when the kernel reports an error, after an unknown part was written; `.cancelled`.
    public func write(_ bytes: some Collection<UInt8> & Sendable) async throws {
        try await offload(to: pool) { [self] in
            try Array(bytes).withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let part = UnsafeRawBufferPointer(rebasing: rest)
                    let count = Socket.uninterrupted { Glibc.write(descriptor.number, part.baseAddress, part.count) }
                    guard count >= 0 else { throw SluiceError(system: errno, "cannot write to \(path)") }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }

    /// Waits until what was written is on the disk.
    ///
    /// - Throws: `.system` when the kernel reports an error; `.cancelled`.
    public func synchronize() async throws {
        try await offload(to: pool) { [self] in
            guard fsync(descriptor.number) == 0 else { throw SluiceError(system: errno, "cannot write to \(path)") }
        }
    }

    private func readNow(upTo limit: Int) throws(SluiceError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
        defer { buffer.deallocate() }
        let count = Socket.uninterrupted { Glibc.read(descriptor.number, buffer.baseAddress, limit) }
        guard count >= 0 else { throw SluiceError(system: errno, "cannot read \(path)") }
        return [UInt8](buffer[..<count])
    }
}
