import ArgumentParser
import Foundation
import ProgramOptions
import SluiceRuntime
import SluiceWire

/// The server to measure.
struct ServerOptions: ParsableArguments {
    static let defaultAddress = "127.0.0.1:7333"

    @Option(
        name: [.customShort("H"), .customLong("hub")],
        help: ArgumentHelp(
            "The server's address; by default SLUICE_ADDRESS, or else \(defaultAddress). For TLS, sluices://HOST:PORT.",
            valueName: "HOST:PORT|unix:PATH"))
    var address: String?

    @OptionGroup var tls: TLSOptions

    @Option(help: ArgumentHelp("The kind of server.", valueName: "SERVER"))
    var against = Contestant.sluice

    @Option(
        help: ArgumentHelp(
            "The server's process, to read its processor time and memory; found by its port if it runs on this machine.",
            valueName: "PID"))
    var serverPID: Int32?

    func location(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(LoadFailure) -> (address: ServerAddress, credentials: Credentials?) {
        let variable = environment["SLUICE_ADDRESS"].flatMap { $0.isEmpty ? nil : $0 }
        let location = ServerLocation(address ?? variable ?? Self.defaultAddress)
        let options: TLSClientContext.Options?
        do throws(SluiceError) {
            options = try tls.options(for: location, environment)
        } catch {
            throw LoadFailure(error.message)
        }
        let address = try ServerAddress(location.address, of: against.program, tls: options)
        return (address, try Self.credentials(environment))
    }

    /// Reads the credentials from the environment, since every user of the machine can list arguments.
    private static func credentials(_ environment: [String: String]) throws(LoadFailure) -> Credentials? {
        let principal = environment["SLUICE_PRINCIPAL"] ?? ""
        let token = environment["SLUICE_TOKEN"] ?? ""
        if principal.isEmpty, token.isEmpty { return nil }
        guard let name = ChannelName(principal), !token.isEmpty else {
            throw LoadFailure("pass SLUICE_PRINCIPAL and SLUICE_TOKEN together: the principal's name, and its token")
        }
        return Credentials(name, token: Array(token.utf8))
    }
}

extension Contestant: ExpressibleByArgument {}
