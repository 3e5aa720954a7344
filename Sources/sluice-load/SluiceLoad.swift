import ArgumentParser
import Foundation
import SluiceRuntime

@main
enum SluiceLoad {
    static func main() {
        StandardDescriptors.open()
        // A write to a closed connection fails with an error instead of a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try SluiceLoadCommand.parsing(CommandLine.arguments.dropFirst())
            try command.run()
        } catch let usage as UsageError {
            complain(usage.message)
            exit(2)
        } catch let failure as LoadFailure {
            complain(failure.message)
            exit(1)
        } catch {
            SluiceLoadCommand.exit(withError: error)
        }
    }

    static func complain(_ message: String) {
        FileHandle.standardError.write(Data("sluice-load: \(message)\n".utf8))
    }
}
