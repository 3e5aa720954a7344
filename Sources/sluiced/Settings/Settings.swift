import Logging
import SluiceHub

/// Everything that can be configured, with the flags, the environment and the file combined.
///
/// `Settings()` holds the defaults, which `config/sluiced.yaml` shows too.
struct Settings: Equatable, Sendable {
    /// The listeners.
    var listen: [ListenerSetting] = [.tcp(host: "127.0.0.1", port: 7333)]

    /// The web door; nil for none.
    var web: WebSetting? = WebSetting(.tcp(host: "127.0.0.1", port: 7380))

    /// All listeners, including that of the web door.
    var allListeners: [ListenerSetting] { listen + [web?.listener].compactMap(\.self) }

    /// Whether the daemon gives up the rights that it does not need.
    var isSandboxed = true

    /// Whether the system may write core dumps of the daemon although they contain secrets.
    var allowsCoreDumps = false

    /// Whether `listen` may name an address that other machines can reach without authentication.
    var allowsPublic = false

    /// The paths of the users-file and of the principals-file; nil without one.
    var usersPath: String?
    var principalsPath: String?

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

    /// The first address that other machines can reach without authentication, unless that is allowed.
    var exposedAddress: ListenAddress? {
        if allowsPublic || principals != nil { return nil }
        return allListeners.first { $0.isExposed }?.address
    }
}
