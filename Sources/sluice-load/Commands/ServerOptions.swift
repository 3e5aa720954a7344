import ArgumentParser
import Foundation
import SluiceWire

/// Where the server is that is measured, and what it is.
struct ServerOptions: ParsableArguments {
    static let defaultAddress = "127.0.0.1:7333"

    @Option(
        name: [.customShort("H"), .customLong("hub")],
        help: ArgumentHelp(
            "Where the server is; else SLUICE_ADDRESS, else \(defaultAddress).", valueName: "HOST:PORT|unix:PATH"))
    var address: String?

    @Option(help: ArgumentHelp("What it is.", valueName: "SERVER"))
    var against = Contestant.sluice

    @Option(
        help: ArgumentHelp(
            "The server's process, for its processor time and memory; found by itself where it listens on this machine.",
            valueName: "PID"))
    var serverPID: Int32?

    func place(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(LoadFailure) -> (address: ServerAddress, credentials: Credentials?) {
        let variable = environment["SLUICE_ADDRESS"].flatMap { $0.isEmpty ? nil : $0 }
        return (
            try ServerAddress(address ?? variable ?? Self.defaultAddress), try Self.credentials(environment)
        )
    }

    /// Never among the arguments, which everybody on the machine can list.
    private static func credentials(_ environment: [String: String]) throws(LoadFailure) -> Credentials? {
        let principal = environment["SLUICE_PRINCIPAL"] ?? ""
        let token = environment["SLUICE_TOKEN"] ?? ""
        if principal.isEmpty, token.isEmpty { return nil }
        guard let name = ChannelName(principal), !token.isEmpty else {
            throw LoadFailure(
                "SLUICE_PRINCIPAL is a name, and SLUICE_TOKEN its token: one without the other is no use")
        }
        return Credentials(name, token: Array(token.utf8))
    }
}

extension Contestant: ExpressibleByArgument {}
