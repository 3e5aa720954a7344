import CLinux
import Glibc

/// Core dumps, which would contain the tokens and private keys that the daemon has read.
enum CoreDumps {
    /// Forbids core dumps, and other processes of the same user to look into the memory of this one.
    static func forbid() {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        // Some systems pass a core dump to a program whatever the limit is.
        _ = clinux_forbid_dumps()
    }
}

extension Settings {
    /// Whether the daemon keeps tokens or private keys in its memory.
    var hasSecrets: Bool { principals != nil || listen.contains { $0.tls != nil } }
}
