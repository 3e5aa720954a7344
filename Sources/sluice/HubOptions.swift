import ArgumentParser
import Foundation
import SluiceRuntime
import SluiceWire

/// What every command takes.
struct HubOptions: ParsableArguments {
    static let defaultAddress = "127.0.0.1:7333"

    @Option(
        name: [.customShort("H"), .customLong("hub")],
        help: ArgumentHelp(
            "Where the hub is; else SLUICE_ADDRESS, else \(defaultAddress).", valueName: "HOST:PORT|unix:PATH"))
    var address: String?

    @Option(help: ArgumentHelp("What the hub calls this connection in its reports.", valueName: "NAME"))
    var label: String?

    @Flag(name: .shortAndLong, help: "Say nothing on stderr; the exit status tells.")
    var quiet = false

    func validate() throws {
        if let label, ChannelName(label) == nil { throw ValidationError("--label: \(ChannelName.rule)") }
    }

    /// The hub that is meant.
    func place(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Failure) -> HubPlace {
        let variable = environment["SLUICE_ADDRESS"].flatMap { $0.isEmpty ? nil : $0 }
        return try place(at: address ?? variable ?? Self.defaultAddress, environment)
    }

    /// The hub at another address.
    func place(
        at address: String, _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Failure) -> HubPlace {
        let credentials = try Self.credentials(environment)
        do throws(SluiceError) {
            return HubPlace(
                address: try SocketAddress(address), label: label.flatMap { ChannelName($0) }, credentials: credentials)
        } catch {
            throw Failure(error.message)
        }
    }

    /// Never among the arguments, which everybody on the machine can list.
    private static func credentials(_ environment: [String: String]) throws(Failure) -> Credentials? {
        let principal = environment["SLUICE_PRINCIPAL"] ?? ""
        let token = environment["SLUICE_TOKEN"] ?? ""
        if principal.isEmpty, token.isEmpty { return nil }
        guard let name = ChannelName(principal), !token.isEmpty else {
            throw Failure(
                "SLUICE_PRINCIPAL is a name, and SLUICE_TOKEN its token: one without the other is no use", .usage)
        }
        return Credentials(name, token: Array(token.utf8))
    }
}

/// Where a hub is, and as whom to go there.
struct HubPlace: Sendable {
    var address: SocketAddress
    var label: ChannelName?
    var credentials: Credentials?
}
