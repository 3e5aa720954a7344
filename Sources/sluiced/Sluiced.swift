import Foundation
import SluiceRuntime
import SluiceWire

/// The program: reads the settings, runs the daemon, and reports a failed start on stderr and in the exit status.
@main
enum Sluiced {
    static func main() {
        StandardDescriptors.open()
        do throws(SettingsError) {
            let options = try Options.parsing(CommandLine.arguments.dropFirst())
            ProcessState.ignoreSignals()
            let environment = ProcessInfo.processInfo.environment
            if options.checkConfig {
                let inherited = try InheritedSockets(environment)
                let settings = try Settings(
                    options, environment: environment, inheriting: inherited.sockets.isEmpty ? nil : inherited)
                let check = ConfigurationCheck(settings: settings, now: Int(Date().timeIntervalSince1970))
                for line in try check.lines() { print(line.escapedForTerminal()) }
                return
            }
            try run(options, environment: environment)
        } catch {
            report(error)
            exit(error.status.rawValue)
        }
    }

    private static func run(_ options: Options, environment: [String: String]) throws(SettingsError) {
        let inherited = try InheritedSockets(environment)
        let manager = try ServiceManager(environment)
        let load: @Sendable () throws(SettingsError) -> Settings = { () throws(SettingsError) in
            try Settings(options, environment: environment, inheriting: inherited)
        }
        let path = options.configurationPath(environment)
        guard options.usesDevelopmentTLS else {
            return try Daemon(load, configurationPath: path, inheriting: inherited, under: manager).run()
        }
        let certificate = try DevelopmentCertificate.make(for: try load().allListeners)
        do throws(SettingsError) {
            try Daemon(
                load, configurationPath: path, inheriting: inherited, under: manager, developingWith: certificate
            ).run()
        } catch {
            certificate.remove()
            throw error
        }
    }

    /// Writes why the daemon does not start. The process ends even if stderr accepts no output.
    private static func report(_ error: SettingsError) {
        let line = "sluiced: \(error.message.escapedForTerminal())\n"
        guard let output = try? OutputQueue(to: STDERR_FILENO, describeDropped: { _ in [] }) else { return }
        output.append(Array(line.utf8))
        output.flush(within: .seconds(2))
    }
}
