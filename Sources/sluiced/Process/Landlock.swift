import CLinux
import Glibc
import SluiceRuntime

/// A set of rules for Linux's Landlock: what the process may still do with files and the network.
///
/// Landlock applies to the thread that applies it, and to those that this thread starts later. A file that is open
/// already, and a socket that listens already, are not affected.
struct Landlock: ~Copyable {
    /// Kinds of access to files. The numbers are those of the kernel.
    struct Access: OptionSet, Sendable {
        let rawValue: UInt64

        static let write = Access(rawValue: 1 << 1)
        static let readFile = Access(rawValue: 1 << 2)
        static let readDirectory = Access(rawValue: 1 << 3)
        static let removeDirectory = Access(rawValue: 1 << 4)
        static let removeFile = Access(rawValue: 1 << 5)
        static let makeFile = Access(rawValue: 1 << 8)
        static let truncate = Access(rawValue: 1 << 14)

        static let read: Access = [.readFile, .readDirectory]
        static let replaceFiles: Access = [.read, .write, .removeFile, .makeFile, .truncate]

        /// Everything that a version of Landlock can deny.
        static func all(inVersion version: Int32) -> Access {
            let highest: UInt64 =
                switch version {
                case ...1: 12
                case 2: 13
                case 3, 4: 14
                default: 15
                }
            return Access(rawValue: (1 << (highest + 1)) - 1)
        }

        /// What can be allowed for a file that is no directory.
        static let ofFiles: Access = [.write, .readFile, .truncate]
    }

    /// The version of Landlock that the kernel has; nil if it has none.
    static var version: Int32? {
        let version = clinux_landlock_version()
        return version > 0 ? version : nil
    }

    /// From this version on, Landlock can deny to bind and to connect TCP sockets.
    static let networkVersion: Int32 = 4
    /// From this version on, Landlock can deny signals to other processes and connections to abstract sockets.
    static let scopesVersion: Int32 = 6

    private let version: Int32
    private let ruleset: Descriptor

    /// Creates a set of rules that denies everything that this version can deny.
    init(version: Int32) throws(SluiceError) {
        self.version = version
        let number = clinux_landlock_create(
            Access.all(inVersion: version).rawValue, version >= Self.networkVersion ? 3 : 0,
            version >= Self.scopesVersion ? 3 : 0)
        guard number >= 0 else { throw SluiceError(system: errno, "cannot prepare Landlock") }
        ruleset = Descriptor(owning: number)
    }

    /// Allows access to a file, or to everything beneath a directory. A path that does not exist is left out.
    func allow(_ access: Access, beneath path: String) throws(SluiceError) {
        // O_PATH, which the header defines with `_GNU_SOURCE` only.
        let number = open(path, 0o10000000 | O_CLOEXEC)
        guard number >= 0 else { return }
        let descriptor = Descriptor(owning: number)
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { return }
        var access = access.intersection(.all(inVersion: version))
        if status.st_mode & S_IFMT != S_IFDIR { access.formIntersection(.ofFiles) }
        guard clinux_landlock_allow(ruleset.number, descriptor.number, access.rawValue) == 0 else {
            throw SluiceError(system: errno, "cannot allow \(path)")
        }
    }

    /// Applies the rules to this thread.
    ///
    /// - Precondition: the process may not gain privileges: see `clinux_forbid_new_privileges`.
    func apply() throws(SluiceError) {
        guard clinux_landlock_apply(ruleset.number) == 0 else {
            throw SluiceError(system: errno, "cannot apply Landlock")
        }
    }
}
