import Logging
import SluiceRuntime
import Synchronization

/// The daemon's log, on stderr, with a level that can change while it runs. May be used on any thread.
final class DaemonLog: Sendable {
    private let logger: Lock<Logger>

    init(level: Logger.Level) {
        var logger = Logger(label: "sluiced") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        self.logger = Lock(logger)
    }

    /// The least severe level that is still written.
    var level: Logger.Level {
        get { logger.withLock { $0.logLevel } }
        set { logger.withLock { $0.logLevel = newValue } }
    }

    func write(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
        let logger = logger.withLock { $0 }
        logger.log(level: level, message, metadata: metadata)
    }
}
