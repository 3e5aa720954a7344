import SluiceRuntime
import Testing

@testable import sluiced

@Suite struct ListenerEntryTests {
    private func file(_ text: String) throws -> SettingsFile { try SettingsFile(path: "s.yaml", text: text) }

    @Test("A listener with keys has an address and TLS, beside plain ones")
    func listenersWithTLS() throws {
        let file = try file(
            """
            listen:
              - 127.0.0.1:7333
              - address: "0.0.0.0:7334"
                tls:
                  certificate: hub.pem
                  key: hub.key
                  client-ca: ca.pem
                  require-client: no
                  revoked: crl.pem
                  minimum-version: 1.3
              - {address: "unix:/run/s"}
            """)
        #expect(file.entries.map(\.texts) == [["127.0.0.1:7333", "0.0.0.0:7334", "unix:/run/s"]])
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: "hub.pem", keyPath: "hub.key"))
        tls.clientAuthoritiesPath = "ca.pem"
        tls.requiresClientCertificate = false
        tls.revocationListsPath = "crl.pem"
        tls.minimumVersion = .v1_3
        tls.applicationProtocols = ["sluice/1"]
        #expect(file.tls == [nil, tls, nil])
    }

    @Test(
        "A mistake in a listener gives an error with its line",
        arguments: [
            ("{tls: {certificate: a, key: b}}", "2: listen: a listener needs the key \"address\""),
            (
                "{address: a:1, tls: yes}",
                "2: listen: tls: write its keys after it in braces, or below it with deeper indentation"
            ),
            ("{address: a:1, tls: {certificate: a}}", "2: listen: tls needs the keys \"certificate\" and \"key\""),
            ("{address: a:1, tsl: {}}", "2: listen: unknown key \"tsl\"; did you mean \"tls\"?"),
            (
                "{address: a:1, tls: {certificat: a}}",
                "2: listen: unknown key \"certificat\"; did you mean \"certificate\"?"
            ),
            ("{address: a:1, tls: {certificate: a, key: }}", "2: listen: key must have a value"),
            (
                "{address: a:1, tls: {certificate: a, key: b, revoked: c}}",
                "2: listen: tls: revoked needs the key \"client-ca\""
            ),
            (
                "{address: a:1, tls: {certificate: a, key: b, minimum-version: 1.1}}",
                "2: listen: tls: minimum-version: \"1.1\" is not 1.2 or 1.3"
            ),
        ])
    func mistakes(item: String, message: String) {
        #expect(throws: SettingsError("s.yaml:\(message)", status: .configuration)) {
            try file("listen:\n  - \(item)\n")
        }
    }

    @Test("A public listener needs authentication: users, or certificates of clients")
    func publicListeners() throws {
        var settings = Settings()
        let address = ListenAddress.tcp(host: "0.0.0.0", port: 7334)
        settings.listen = [address]
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: "hub.pem", keyPath: "hub.key"))
        settings.tls = [tls]
        #expect(settings.exposedAddress == address)
        tls.clientAuthoritiesPath = "ca.pem"
        settings.tls = [tls]
        #expect(settings.exposedAddress == nil)
        tls.requiresClientCertificate = false
        settings.tls = [tls]
        #expect(settings.exposedAddress == address)
    }

    @Test("An address with sluices:// is not one to listen on")
    func schemeOfTLS() {
        #expect(throws: SettingsError.self) { try ListenAddress(parsing: "sluices://127.0.0.1:7334") }
    }
}
