import ArgumentParser
import SluiceClient
import SluiceRuntime

/// The options for hubs with TLS.
struct TLSOptions: ParsableArguments {
    @Flag(name: .customLong("tls"), help: "Connect with TLS, as sluices:// before the hub's address does.")
    var usesTLS = false

    @Option(
        name: .customLong("ca"),
        help: ArgumentHelp(
            "Connect with TLS, and trust the authorities in FILE; else those in SLUICE_CA, else the system's.",
            valueName: "FILE"))
    var authorities: String?

    @Option(
        name: .customLong("cert"),
        help: ArgumentHelp(
            "Connect with TLS, and show the certificate in FILE; else that in SLUICE_CERT.", valueName: "FILE"))
    var certificate: String?

    @Option(
        name: .customLong("key"),
        help: ArgumentHelp("The private key of that certificate; else that in SLUICE_KEY.", valueName: "FILE"))
    var key: String?

    @Flag(
        name: .customLong("insecure-no-verify"),
        help: "Connect with TLS, to any server. An attacker on the network can then read and change all traffic.")
    var acceptsAnyServer = false

    /// The client's TLS; nil if neither the options nor the hub's address ask for TLS.
    func options(
        for location: ServerLocation, _ environment: [String: String]
    ) throws(Failure) -> TLSClientContext.Options? {
        let isGiven = usesTLS || authorities != nil || certificate != nil || key != nil || acceptsAnyServer
        guard isGiven || location.usesTLS else { return nil }
        func value(_ option: String?, _ variable: String) -> String? {
            option ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        var options = TLSClientContext.Options()
        options.authoritiesPath = value(authorities, "SLUICE_CA")
        options.verifiesServer = !acceptsAnyServer
        switch (value(certificate, "SLUICE_CERT"), value(key, "SLUICE_KEY")) {
        case (nil, nil): break
        case (let certificate?, let key?):
            options.identity = TLSIdentity(certificatePath: certificate, keyPath: key)
        default: throw Failure("a client's certificate needs both --cert and --key", .usage)
        }
        return options
    }
}
