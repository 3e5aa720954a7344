import Logging
import SluiceRuntime
import Synchronization

/// What the daemon writes to its log. May be used on any thread.
final class Journal: Sendable {
    private let logger: Lock<Logger>

    init(level: Logger.Level) {
        var logger = Logger(label: "sluiced") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        self.logger = Lock(logger)
    }

    /// The least severe messages that are still written.
    var level: Logger.Level {
        get { logger.withLock { $0.logLevel } }
        set { logger.withLock { $0.logLevel = newValue } }
    }

    func log(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
        let logger = logger.withLock { $0 }
        logger.log(level: level, message, metadata: metadata)
    }
}
