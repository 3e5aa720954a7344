import Foundation

/// The daemon: settings in, a hub that serves, and an exit status that tells a script what went wrong.
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
