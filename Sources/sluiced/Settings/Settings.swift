import Logging
import SluiceHub

/// Everything that can be configured, after flags, environment and file were put together.
///
/// `Settings()` is what the daemon runs with when nothing is said; `config/sluiced.yaml` shows the same values.
struct Settings: Equatable, Sendable {
    /// Where to accept connections.
    var listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 7333)]

    /// Whether `listen` may name an address that other machines can reach, although nothing authenticates them.
    var allowsPublic = false

    /// Who may use the daemon; nil is everybody.
    var users: Users?

    /// How many threads serve clients.
    var reactors = 1

    /// The least severe messages that are still logged.
    var logLevel = Logger.Level.info

    /// How long a job may hold a reactor's loop before that is logged; nil never looks.
    var blockedLoopThreshold: Duration? = .milliseconds(100)

    /// What clients may use.
    var limits = HubLimits()

    /// What runs beside the channels.
    var processes: [BuiltInProcess] = []

    /// An address that other machines can reach although nothing authenticates them, and nobody has permitted that.
    var exposedAddress: ListenAddress? {
        allowsPublic || users != nil ? nil : listen.first { !$0.isLocal }
    }
}
