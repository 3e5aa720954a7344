package import ArgumentParser
package import SluiceRuntime

/// The options for servers with TLS, which the programs share.
package struct TLSOptions: ParsableArguments {
    @Flag(name: .customLong("tls"), help: "Connect with TLS, as sluices:// before the server's address does.")
    package var usesTLS = false

    @Option(
        name: .customLong("ca"),
        help: ArgumentHelp(
            "Connect with TLS, and trust the authorities in FILE; else those in SLUICE_CA, else the system's.",
            valueName: "FILE"))
    package var authorities: String?

    @Option(
        name: .customLong("cert"),
        help: ArgumentHelp(
            "Connect with TLS, and show the certificate in FILE; else that in SLUICE_CERT.", valueName: "FILE"))
    package var certificate: String?

    @Option(
        name: .customLong("key"),
        help: ArgumentHelp("The private key of that certificate; else that in SLUICE_KEY.", valueName: "FILE"))
    package var key: String?

    @Flag(
        name: .customLong("insecure-no-verify"),
        help: "Connect with TLS, to any server. An attacker on the network can then read and change all traffic.")
    package var acceptsAnyServer = false

    package init() {}

    /// The options as they are written on a command line.
    package var arguments: [String] {
        var arguments: [String] = []
        for (name, value) in [("--ca", authorities), ("--cert", certificate), ("--key", key)] {
            if let value { arguments += [name, value] }
        }
        if usesTLS { arguments.append("--tls") }
        if acceptsAnyServer { arguments.append("--insecure-no-verify") }
        return arguments
    }

    /// The client's TLS; nil if neither the options nor the server's address ask for TLS.
    ///
    /// - Throws: `.misuse` for a certificate without its key, or a key without its certificate.
    package func options(
        for location: ServerLocation, _ environment: [String: String]
    ) throws(SluiceError) -> TLSClientContext.Options? {
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
        default: throw SluiceError(.misuse, "a client's certificate needs both --cert and --key")
        }
        return options
    }
}
