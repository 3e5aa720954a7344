import ArgumentParser
import Foundation
import ProgramOptions
import SluiceClient
import SluiceRuntime
import SluiceWire

/// The options of every command.
struct HubOptions: ParsableArguments {
    static let defaultAddress = "127.0.0.1:7333"

    @Option(
        name: [.customShort("H"), .customLong("hub")],
        help: ArgumentHelp(
            "The address of the hub; else SLUICE_ADDRESS, else \(defaultAddress). For TLS, sluices://HOST:PORT.",
            valueName: "HOST:PORT|unix:PATH"))
    var address: String?

    @OptionGroup var tls: TLSOptions

    @Option(
        help: ArgumentHelp(
            "How long the hub may take to accept the connection, and to answer what needs no waiting; default 5s.",
            valueName: "D"),
        transform: Spelled.positiveDuration)
    var patience = Duration.seconds(5)

    @Option(help: ArgumentHelp("The label of this connection in the hub's reports.", valueName: "NAME"))
    var label: String?

    @Flag(name: .shortAndLong, help: "Print nothing on stderr; the exit status tells.")
    var quiet = false

    func validate() throws {
        guard patience >= .milliseconds(10) else { throw ValidationError("--patience must be at least 10ms") }
        if let label, ChannelName(label) == nil { throw ValidationError("--label: \(ChannelName.rule)") }
    }

    /// The hub that the options and the environment name.
    func place(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Failure) -> HubPlace {
        let variable = environment["SLUICE_ADDRESS"].flatMap { $0.isEmpty ? nil : $0 }
        return try place(at: address ?? variable ?? Self.defaultAddress, environment)
    }

    /// The hub at another address.
    func place(
        at address: String, _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Failure) -> HubPlace {
        let credentials = try Self.credentials(environment)
        let tls: TLSClientContext.Options?
        do throws(SluiceError) {
            tls = try self.tls.options(for: ServerLocation(address), environment)
        } catch {
            throw Failure(error.message, .usage)
        }
        do throws(SluiceError) {
            _ = try SocketAddress.numeric(ServerLocation(address).address)
        } catch {
            throw Failure(error.message)
        }
        return HubPlace(
            address: address, label: label.flatMap { ChannelName($0) }, credentials: credentials,
            tls: tls, patience: patience)
    }

    /// Credentials are never arguments, because every user of a machine can list those.
    private static func credentials(_ environment: [String: String]) throws(Failure) -> ClientCredentials? {
        let principal = environment["SLUICE_PRINCIPAL"] ?? ""
        let token = environment["SLUICE_TOKEN"] ?? ""
        if principal.isEmpty, token.isEmpty { return nil }
        guard ChannelName(principal) != nil, !token.isEmpty else {
            throw Failure("pass SLUICE_PRINCIPAL, a name, and SLUICE_TOKEN, its token, or neither of them", .usage)
        }
        return ClientCredentials(principal: principal, token: token)
    }
}

/// The option of the commands that run until they are stopped.
struct ReconnectOptions: ParsableArguments {
    @Flag(help: "End when the connection is lost or the hub stops, with status 1; the default is to connect again.")
    var noReconnect = false
}

/// The address of a hub, and the identity to use there.
struct HubPlace: Sendable {
    /// As it was given: a name may have several addresses.
    var address: String
    var label: ChannelName?
    var credentials: ClientCredentials?
    /// Nil without TLS.
    var tls: TLSClientContext.Options?
    /// How long the hub may take to accept the connection, and to answer what needs no waiting.
    var patience: Duration
}
