import ArgumentParser
import Foundation

@main
enum SluiceLoad {
    static func main() {
        // A server that has gone is an error of the write, not a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try Root.parsing(CommandLine.arguments.dropFirst())
            try command.run()
        } catch let usage as UsageError {
            complain(usage.message)
            exit(2)
        } catch let failure as LoadFailure {
            complain(failure.message)
            exit(1)
        } catch {
            Root.exit(withError: error)
        }
    }

    static func complain(_ message: String) {
        FileHandle.standardError.write(Data("sluice-load: \(message)\n".utf8))
    }
}
