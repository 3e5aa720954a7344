import Logging
import SluiceHub
import SluiceRuntime

/// Everything that can be configured, with the flags, the environment and the file combined.
///
/// `Settings()` holds the defaults, which `config/sluiced.yaml` shows too.
struct Settings: Equatable, Sendable {
    /// The addresses to listen on.
    var listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 7333)]

    /// The TLS of each of those addresses; nil, or nothing, for one without TLS.
    var tls: [TLSServerContext.Options?] = []

    /// Whether `listen` may name an address that other machines can reach without authentication.
    var allowsPublic = false

    /// The principals that may authenticate; nil lets every client use the daemon.
    var principals: Principals?

    /// The principals of the users-file and of the principals-file, until one of them is chosen.
    var usersFile: Principals?
    var principalsFile: Principals?

    /// The directory in which the daemon keeps a number between its runs; nil keeps nothing.
    var stateDirectory: String?

    /// The number of threads that serve clients.
    var reactors = 1

    /// The least severe level that is still logged.
    var logLevel = Logger.Level.info

    /// How the lines of the log are written.
    var logFormat = LogFormat.text

    /// The time that a job may hold a reactor's loop before the daemon logs it; nil turns the check off.
    var blockedLoopThreshold: Duration? = .milliseconds(100)

    /// The memory that clients may use, in bytes; nil stands for half of the memory that the daemon may use.
    var memory: Int?

    /// What clients may use of the hub, apart from the memory.
    var limits = HubLimits()

    /// The built-in processes that the daemon starts.
    var processes: [BuiltInProcess] = []

    /// The first address in `listen` that other machines can reach without authentication, unless that is allowed.
    var exposedAddress: ListenAddress? {
        if allowsPublic || principals != nil { return nil }
        return listeners.first { !$0.address.isLocal && $0.tls?.authenticatesClients != true }?.address
    }

    /// The addresses to listen on, each with its TLS.
    var listeners: [(address: ListenAddress, tls: TLSServerContext.Options?)] {
        listen.enumerated().map { ($1, tls.indices.contains($0) ? tls[$0] : nil) }
    }
}
