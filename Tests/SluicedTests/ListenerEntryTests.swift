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
                  principal-from: san-uri
              - {address: "unix:/run/s"}
            """)
        #expect(file.entries.map(\.texts) == [["127.0.0.1:7333", "0.0.0.0:7334", "unix:/run/s"]])
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: "hub.pem", keyPath: "hub.key"))
        tls.clientAuthoritiesPath = "ca.pem"
        tls.requiresClientCertificate = false
        tls.revocationListsPath = "crl.pem"
        tls.minimumVersion = .v1_3
        tls.applicationProtocols = ["sluice/1"]
        #expect(file.entries.first?.items.map(\.tls) == [nil, tls, nil])
    }

    private func listeners(_ items: String...) throws -> [ListenerSetting] {
        try #require(try file("listen:\n" + items.map { "  - \($0)\n" }.joined()).entries.first).listeners()
    }

    @Test("A Unix-domain socket can have a mode and a group")
    func unixSockets() throws {
        var setting = ListenerSetting.unix(path: "/s")
        setting.mode = 0o660
        setting.group = 0
        #expect(try listeners("{address: \"unix:/s\", mode: 0660, group: root}") == [setting])
        #expect(try listeners("{address: \"unix:/s\", mode: 660, group: 0}") == [setting])
    }

    @Test("A listener can take principals from certificates or from users")
    func principals() throws {
        var setting = ListenerSetting.unix(path: "/s")
        setting.userPrincipals = [0: "ops", 4711: "worker"]
        #expect(try listeners("{address: \"unix:/s\", user-principals: {root: ops, 4711: worker}}") == [setting])
        let tls = "tls: {certificate: a, key: b, client-ca: c, principal-from: subject-cn}"
        #expect(try listeners("{address: \"h:1\", \(tls)}").map(\.identifiesBy) == [.commonName])
    }

    @Test("A listener can have proxies, whose networks must be named")
    func proxies() throws {
        var setting = ListenerSetting.tcp(host: "0.0.0.0", port: 1)
        setting.proxyNetworks = [try NetworkRange("10.0.0.0/8"), try NetworkRange("::1")]
        #expect(
            try listeners("{address: \"0.0.0.0:1\", proxy: true, proxy-networks: [10.0.0.0/8, \"::1\"]}") == [setting])
    }

    @Test(
        "A value that does not fit the listener gives an error with its line",
        arguments: [
            ("{address: \"a:1\", mode: 0660}", "mode is for an address with unix:"),
            ("{address: \"a:1\", group: root}", "group is for an address with unix:"),
            (
                "{address: \"unix:/s\", mode: 0999}",
                "mode: \"0999\" is not an octal number from 0600 to 0777, as in 0660"
            ),
            (
                "{address: \"unix:/s\", mode: 0060}",
                "mode: \"0060\" is not an octal number from 0600 to 0777, as in 0660"
            ),
            ("{address: \"unix:/s\", group: nobody-here}", "group: there is no group \"nobody-here\""),
            ("{address: \"a:1\", user-principals: {root: ops}}", "user-principals is for an address with unix:"),
            (
                "{address: \"unix:/s\", user-principals: {nobody-here: ops}}",
                "user-principals: there is no user \"nobody-here\""
            ),
            (
                "{address: \"unix:/s\", user-principals: {root: ops, 0: worker}}",
                "user-principals: user 0 has two principals"
            ),
            (
                "{address: \"unix:/s\", user-principals: {root: \"o p\"}}",
                "user-principals: \"o p\" is not the name of a principal"
            ),
            (
                "{address: \"unix:/s\", user-principals: ops}",
                "user-principals: write it as {USER: PRINCIPAL, …}"
            ),
            ("{address: \"unix:/s\", proxy: true}", "proxy is for an address with a port"),
            (
                "{address: \"a:1\", proxy: true}",
                "proxy needs the key \"proxy-networks\", a list as in [10.0.0.0/8]"
            ),
            (
                "{address: \"a:1\", proxy-networks: 10.0.0.0/8}",
                "proxy-networks needs the key \"proxy\" with the value true"
            ),
            (
                "{address: \"a:1\", proxy: yes, proxy-networks: [10.0.0.0/33]}",
                "proxy-networks: the length of a network must be from 0 to 32 bits: '10.0.0.0/33'"
            ),
        ])
    func wrongValues(item: String, problem: String) {
        let error = #expect(throws: SettingsError.self) { try listeners(item) }
        #expect(error?.message == "s.yaml:2: listen: \(problem)")
    }

    @Test("An open listener can change its certificates without a restart, but nothing else")
    func changes() throws {
        func setting(_ certificate: String?) -> ListenerSetting {
            ListenerSetting(
                .unix(path: "/s"),
                tls: certificate.map {
                    TLSServerContext.Options(identity: TLSIdentity(certificatePath: $0, keyPath: "k"))
                })
        }
        #expect(setting("a").canBecome(setting("b")) && setting(nil).canBecome(setting(nil)))
        #expect(!setting("a").canBecome(setting(nil)) && !setting(nil).canBecome(setting("a")))
        var open = setting("a")
        open.mode = 0o666
        #expect(!setting("a").canBecome(open))
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
            (
                "{address: a:1, tls: {certificate: a, key: b, principal-from: san-uri}}",
                "2: listen: tls: principal-from needs the key \"client-ca\""
            ),
            (
                "{address: a:1, tls: {certificate: a, key: b, client-ca: c, principal-from: san-url}}",
                "2: listen: tls: unknown principal-from \"san-url\"; did you mean \"san-uri\"?"
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
        var tls = TLSServerContext.Options(identity: TLSIdentity(certificatePath: "hub.pem", keyPath: "hub.key"))
        settings.listen = [ListenerSetting(address, tls: tls)]
        #expect(settings.exposedAddress == address)
        tls.clientAuthoritiesPath = "ca.pem"
        settings.listen = [ListenerSetting(address, tls: tls)]
        #expect(settings.exposedAddress == nil)
        tls.requiresClientCertificate = false
        settings.listen = [ListenerSetting(address, tls: tls)]
        #expect(settings.exposedAddress == address)
    }

    @Test("An address with sluices:// is not one to listen on")
    func schemeOfTLS() {
        #expect(throws: SettingsError.self) { try ListenAddress(parsing: "sluices://127.0.0.1:7334") }
    }
}
