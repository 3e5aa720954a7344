import Foundation

/// The program: reads the settings, runs the daemon, and reports a failed start on stderr and in the exit status.
@main
enum Sluiced {
    static func main() {
        do {
            let options = try Options.parsing(CommandLine.arguments.dropFirst())
            let environment = ProcessInfo.processInfo.environment
            let daemon = try Daemon { () throws(SettingsError) in try Settings(options, environment: environment) }
            try daemon.run()
        } catch {
            FileHandle.standardError.write(Data("sluiced: \(error.message)\n".utf8))
            exit(error.status.rawValue)
        }
    }
}
