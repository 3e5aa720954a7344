import CLinux
import Foundation
import Logging
import SluiceRuntime

/// What the daemon gives up once its listeners are open: it gains no privileges, executes nothing, opens no connection and
/// no further port, and reads and writes only the files that its configuration needs.
///
/// Applied before the first thread starts, because the kernel applies it to one thread and those that it starts.
struct Sandbox {
    /// What to tell in the log.
    struct Report: Equatable {
        var level = Logger.Level.info
        var message = ""
        var landlock = ""
    }

    /// Files of the system that the daemon opens while it runs: what it may use of the machine, the time zone, and the file
    /// on which a listener keeps its spare descriptor.
    private static let systemPaths = [
        "/dev/null", "/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/etc/localtime", "/usr/share/zoneinfo",
    ]

    /// The directories whose files the daemon may read.
    private var readable: Set<String> = []
    /// The directories in which the daemon may replace files.
    private var replaceable: Set<String> = []
    /// The directories from which the daemon removes files at its end.
    private var cleaned: Set<String> = []

    /// - Parameters:
    ///   - path: the configuration file, which is read again on SIGHUP; nil without one.
    ///   - certificate: the certificate of `--dev-tls`, whose files are removed at the end.
    init(for settings: Settings, reading path: String?, removing certificate: ThrowawayCertificate?) {
        var paths = [path, settings.usersPath, settings.principalsPath].compactMap(\.self)
        for listener in settings.allListeners {
            if case .unix(let path) = listener.address { cleaned.insert(directory(ofPath: path)) }
            guard let tls = listener.tls else { continue }
            paths += [tls.identity.certificatePath, tls.identity.keyPath]
            paths += [tls.clientAuthoritiesPath, tls.revocationListsPath].compactMap(\.self)
        }
        for path in paths {
            readable.insert(directory(ofPath: path))
            // A symbolic link can name a file elsewhere, and the file that replaces it is usually there too.
            readable.insert(directory(ofPath: Self.resolved(path)))
        }
        if let directory = settings.stateDirectory { replaceable.insert(directory) }
        if let certificate {
            cleaned.insert(certificate.directory)
            cleaned.insert(directory(ofPath: certificate.directory))
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Gives up the privileges, as far as the kernel can deny them.
    func enter() -> Report {
        guard clinux_forbid_new_privileges() == 0 else {
            let reason = String(cString: strerror(errno))
            return Report(
                level: .warning, message: "the process can still gain privileges: \(reason)", landlock: "not applied")
        }
        guard let version = Landlock.version else {
            return Report(
                level: .notice, message: "the process gains no privileges, but the kernel lacks Landlock",
                landlock: "none")
        }
        do throws(SluiceError) {
            try apply(version)
        } catch {
            return Report(
                level: .warning, message: "the process gains no privileges, but Landlock failed: \(error.message)",
                landlock: "not applied")
        }
        let lacks =
            version < Landlock.networkVersion
            ? ", but the kernel cannot deny connections"
            : version < Landlock.scopesVersion ? ", but the kernel cannot deny signals" : ""
        return Report(
            level: version < Landlock.scopesVersion ? .notice : .info,
            message: "the process is restricted to its files and listeners\(lacks)", landlock: "version \(version)")
    }

    private func apply(_ version: Int32) throws(SluiceError) {
        let rules = try Landlock(version: version)
        for path in readable.union(Self.systemPaths) { try rules.allow(.read, beneath: path) }
        for path in replaceable { try rules.allow(.replaceFiles, beneath: path) }
        for path in cleaned { try rules.allow([.removeFile, .removeDirectory], beneath: path) }
        try rules.apply()
    }
}
