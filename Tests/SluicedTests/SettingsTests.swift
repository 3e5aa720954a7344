import Foundation
import Logging
import SluiceHub
import SluiceRuntime
import SluiceWire
import Testing

@testable import sluiced

@Suite struct SettingsTests {
    @Test("Without any source, the settings are the documented defaults")
    func defaults() throws {
        let settings = try load()
        #expect(settings == Settings())
        #expect(settings.listen == [.tcp(host: "127.0.0.1", port: 7333)])
        #expect(!settings.allowsPublic)
        #expect(settings.logLevel == .info)
        #expect(settings.blockedLoopThreshold == .milliseconds(100))
        #expect(settings.limits == HubLimits())
    }

    @Test("A flag overrides the environment, which overrides the file")
    func precedence() throws {
        let file = "listen: localhost:1\nlog-level: error"
        let environment = ["SLUICED_LISTEN": "localhost:2", "SLUICED_LOG_LEVEL": "warning"]

        let fromFile = try load(file: file)
        #expect(fromFile.listen == [.tcp(host: "localhost", port: 1)])
        #expect(fromFile.logLevel == .error)

        let fromEnvironment = try load(environment: environment, file: file)
        #expect(fromEnvironment.listen == [.tcp(host: "localhost", port: 2)])
        #expect(fromEnvironment.logLevel == .warning)

        let fromFlags = try load(
            ["--listen", "localhost:3", "--log-level", "debug"], environment: environment, file: file)
        #expect(fromFlags.listen == [.tcp(host: "localhost", port: 3)])
        #expect(fromFlags.logLevel == .debug)
    }

    @Test("A source overrides only the keys that it sets")
    func mixture() throws {
        let settings = try load(
            ["--log-level", "debug"], environment: ["SLUICED_LIMITS_SELECT_ARMS": "5"],
            file: "limits:\n  select-arms: 4\n  pending-tags: 6")
        #expect(settings.logLevel == .debug)
        #expect(settings.limits.wire.maxSelectArms == 5)
        #expect(settings.limits.wire.maxPendingTags == 6)
        #expect(settings.listen == Settings().listen)
    }

    @Test("The web door is open by default only if the addresses to listen on are the default too")
    func webDoor() throws {
        #expect(try load().web == WebSetting(.tcp(host: "127.0.0.1", port: 7380)))
        #expect(try load(["--log-level", "debug"]).web != nil)
        #expect(try load(["--listen", "localhost:1"]).web == nil)
        #expect(try load(file: "listen: localhost:1").web == nil)
        let both = try load(["--listen", "localhost:1", "--web", "[::1]:2"])
        #expect(both.web == WebSetting(.tcp(host: "::1", port: 2)))
        #expect(try load(["--web", "off"]).web == nil)
        #expect(try load(file: "web: off").web == nil)
    }

    @Test("The web door can have TLS and names, and needs authentication to be public")
    func webKeys() throws {
        let web = try #require(
            load(file: "web: {address: localhost:1, hosts: [hub.example, hub], tls: {certificate: a, key: b}}").web)
        #expect(web.hosts == ["hub.example", "hub"] && web.allHosts == ["hub.example", "hub", "localhost"])
        #expect(web.listener.tls?.applicationProtocols == ["http/1.1"])
        #expect(try load(file: "web: {address: localhost:1, hosts: hub}").web?.hosts == ["hub"])
        for wrong in ["{hosts: a}", "{address: a:1, hosts: [a b]}", "{address: a:1, x: y}", "[a:1]", "x"] {
            #expect(throws: SettingsError.self) { try load(file: "web: \(wrong)") }
        }
        // Names that no request could have.
        for (host, reason) in [
            ("*", "pattern"), ("*.example.org", "pattern"), ("hub.*", "pattern"), ("bücher.example", "xn--"),
            (".example.org", "name of a host"), ("hub.", "name of a host"), ("http://hub", "name of a host"),
            ("hub:80", "name of a host"), ("[::1]", "name of a host"), ("hub/", "name of a host"),
            ("a,b", "name of a host"),
        ] {
            let error = #expect(throws: SettingsError.self) {
                try load(file: "web: {address: localhost:1, hosts: [hub, \"\(host)\"]}")
            }
            #expect(error?.message.contains(reason) == true, "\(host): \(error?.message ?? "")")
        }
        #expect(throws: SettingsError.self) { try load(file: "listen: {address: a:1, hosts: [a]}") }
        let error = #expect(throws: SettingsError.self) { try load(["--web", "0.0.0.0:80"]) }
        #expect(error?.message.hasPrefix("--web: other machines can reach 0.0.0.0:80") == true)
        #expect(try load(["--web", "0.0.0.0:80", "--allow-public"]).web != nil)
    }

    @Test("A stronger source without a users-file overrides a weaker one with it")
    func noPrincipals() throws {
        let file = "users-file: \(UsersExample.path)"
        #expect(try load(file: file).principals != nil)
        #expect(try load(environment: ["SLUICED_USERS_FILE": " "], file: file).principals == nil)
    }

    @Test("The flag --config overrides SLUICED_CONFIG")
    func configurationPath() throws {
        let debug = try TemporaryFile("log-level: debug")
        let trace = try TemporaryFile("log-level: trace")
        let environment = ["SLUICED_CONFIG": debug.path]
        #expect(try load(environment: environment).logLevel == .debug)
        #expect(try load(["--config", trace.path], environment: environment).logLevel == .trace)
    }

    @Test("Every key can be set in the file and in the environment", arguments: SettingsKey.allCases)
    func everyKey(key: SettingsKey) throws {
        let example = Example(key)
        var expected = Settings()
        example.change(&expected)
        #expect(expected != Settings(), "the example must differ from the default")
        #expect(try load(environment: [key.variable: example.text]) == expected)
        #expect(try load(file: "\(key.rawValue): \(example.text)") == expected)
    }

    @Test("The environment variable of a key is its name in capitals after SLUICED_")
    func variables() {
        #expect(SettingsKey.listen.variable == "SLUICED_LISTEN")
        #expect(SettingsKey.logLevel.variable == "SLUICED_LOG_LEVEL")
        #expect(SettingsKey.lineBytes.variable == "SLUICED_LIMITS_LINE_BYTES")
    }

    @Test("SLUICED_LISTEN takes several addresses, separated by commas")
    func addressList() throws {
        let settings = try load(environment: ["SLUICED_LISTEN": "localhost:1, unix:/s ,[::1]:2"])
        #expect(
            settings.listen == [.tcp(host: "localhost", port: 1), .unix(path: "/s"), .tcp(host: "::1", port: 2)])
    }

    @Test("Empty variables are ignored, and so are those that Kubernetes sets for a service called sluiced")
    func foreignVariables() throws {
        let environment = [
            "SLUICED_LOG_LEVEL": "", "SLUICED_CONFIG": "", "SLUICED_PORT": "tcp://10.0.0.1:7333", "SLUICED_TYPO": "",
            "SLUICED_SERVICE_HOST": "10.0.0.1", "SLUICED_SERVICE_PORT": "7333", "SLUICED_SERVICE_PORT_MAIN_1": "7333",
            "SLUICED_PORT_7333_TCP": "tcp://10.0.0.1:7333", "SLUICED_PORT_7333_TCP_PROTO": "tcp",
            "SLUICED_PORT_7333_TCP_PORT": "7333", "SLUICED_PORT_7333_TCP_ADDR": "10.0.0.1", "SLUICE_ADDRESS": "x:1",
        ]
        #expect(try load(environment: environment) == Settings())
    }

    @Test(
        "A misspelt variable is an error that suggests the nearest one",
        arguments: [
            ("SLUICED_LOG_LEVLE", "did you mean \"SLUICED_LOG_LEVEL\"?"),
            ("SLUICED_LISTEN_", "did you mean \"SLUICED_LISTEN\"?"),
            ("SLUICED_LIMITS_CONNECTION", "did you mean \"SLUICED_LIMITS_CONNECTIONS\"?"),
            ("SLUICED_LIMIT_KEPT_BYTES", "did you mean \"SLUICED_LIMITS_KEPT_BYTES\"?"),
            ("SLUICED_CONFIGS", "did you mean \"SLUICED_CONFIG\"?"),
        ])
    func misspeltVariables(name: String, suggestion: String) {
        #expect(throws: SettingsError("\(name): unknown variable; \(suggestion)", status: .configuration)) {
            try load(environment: [name: "1"])
        }
    }

    @Test("The processes come from the file, whatever other sources set")
    func processes() throws {
        let settings = try load(["--log-level", "debug"], file: "processes:\n  - echo: {from: a, to: b}")
        #expect(settings.processes == [try BuiltInProcess(.echo(from: "a", to: "b"))])
    }

    @Test("A limit of connections of 0 means no limit")
    func openLimits() throws {
        let settings = try load(file: "limits:\n  connections-per-address: 0\n  connections-per-principal: 0")
        #expect(settings.limits.maxConnectionsPerAddress == .max)
        #expect(settings.limits.maxConnectionsPerPrincipal == .max)
    }

    @Test("A threshold of 0 turns off the check for blocked loops")
    func unwatchedLoop() throws {
        #expect(try load(file: "blocked-loop-milliseconds: 0").blockedLoopThreshold == nil)
    }

    @Test("The error for a wrong value names the flag, the variable or the line, and has the fitting status")
    func wrongValue() throws {
        let problem = "\"loud\" is not one of trace, debug, info, notice, warning, error, critical"
        #expect(throws: SettingsError("--log-level: \(problem)", status: .usage)) {
            try load(["--log-level", "loud"])
        }
        #expect(throws: SettingsError("SLUICED_LOG_LEVEL: \(problem)", status: .configuration)) {
            try load(environment: ["SLUICED_LOG_LEVEL": "loud"])
        }
        let file = try TemporaryFile("\nlog-level: loud")
        #expect(throws: SettingsError("\(file.path):2: log-level: \(problem)", status: .configuration)) {
            try load(["--config", file.path])
        }
    }

    @Test("A wrong value is an error even if a stronger source overrides it")
    func wrongValueOverridden() {
        #expect(throws: SettingsError.self) {
            try load(["--log-level", "info"], environment: ["SLUICED_LOG_LEVEL": "loud"])
        }
    }

    @Test(
        "A number is valid from its lowest to its highest value, and invalid outside",
        arguments: [
            (SettingsKey.blockedLoopMilliseconds, 0, 60_000), (.lineBytes, 512, 1_048_576),
            (.bodyBytes, 0, 1_073_741_824), (.selectArms, 1, 4_096), (.pendingTags, 1, 1_048_576),
            (.connections, 1, 1_048_576), (.memory, 0, 1_099_511_627_776),
            (.memoryPerHolder, 0, 1_099_511_627_776), (.memoryPerConnection, 0, 1_099_511_627_776),
            (.parkedBytes, 0, 1_099_511_627_776), (.keptBytes, 0, 1_099_511_627_776),
            (.leases, 16, 1_048_576), (.declaredChannels, 0, 16_777_216), (.ends, 0, 1_048_576),
            (.capacity, 1, 16_777_216), (.window, 1, 1_048_576), (.tombstones, 0, 16_777_216),
            (.tombstoneSeconds, 0, 86_400), (.rememberedSends, 0, 16_777_216), (.rememberedSendSeconds, 0, 86_400),
            (.lineSeconds, 1, 3_600), (.stallSeconds, 1, 3_600), (.silenceSeconds, 0, 65_534),
            (.connectionsPerAddress, 0, 1_048_576),
            (.connectionsPerPrincipal, 0, 1_048_576), (.drainSeconds, 0, 86_400),
        ])
    func ranges(key: SettingsKey, lowest: Int, highest: Int) throws {
        for inside in [lowest, highest] {
            #expect(throws: Never.self) { try load(environment: [key.variable: "\(inside)"]) }
        }
        for outside in ["\(lowest - 1)", "\(highest + 1)", "9223372036854775808", "many", "1.5", "1k"] {
            let problem = "\"\(outside)\" is not a whole number from \(lowest) to \(highest)"
            #expect(throws: SettingsError("\(key.variable): \(problem)", status: .configuration)) {
                try load(environment: [key.variable: outside])
            }
        }
    }

    @Test(
        "A truth value has any of YAML's spellings",
        arguments: [("true", true), ("Yes", true), ("off", false), ("0", false)])
    func truthValues(text: String, value: Bool) throws {
        #expect(try load(file: "allow-public: \(text)").allowsPublic == value)
    }

    @Test("Other words are not truth values")
    func untruth() {
        let expected = SettingsError("SLUICED_ALLOW_PUBLIC: \"maybe\" is not true or false", status: .configuration)
        #expect(throws: expected) { try load(environment: ["SLUICED_ALLOW_PUBLIC": "maybe"]) }
    }

    @Test("An address that other machines can reach is refused, with the source of the address")
    func publicAddress() {
        let problem =
            "other machines can reach 0.0.0.0:1 without authentication; set principals-file, or --allow-public to permit it"
        #expect(throws: SettingsError("--listen: \(problem)", status: .usage)) {
            try load(["--listen", "localhost:1", "--listen", "0.0.0.0:1"])
        }
        #expect(throws: SettingsError("SLUICED_LISTEN: \(problem)", status: .configuration)) {
            try load(environment: ["SLUICED_LISTEN": "0.0.0.0:1"])
        }
    }

    @Test("Every source can permit an address that other machines can reach")
    func publicAddressPermitted() throws {
        let expected = [ListenerSetting.tcp(host: "0.0.0.0", port: 1)]
        let listen = ["--listen", "0.0.0.0:1"]
        #expect(try load(listen + ["--allow-public"]).listen == expected)
        #expect(try load(listen, environment: ["SLUICED_ALLOW_PUBLIC": "1"]).listen == expected)
        #expect(try load(listen, file: "allow-public: yes").listen == expected)
    }

    @Test("A public address is no mistake if a stronger source replaces it")
    func publicAddressReplaced() throws {
        #expect(throws: Never.self) {
            try load(["--listen", "localhost:1"], environment: ["SLUICED_LISTEN": "0.0.0.0:1"])
        }
    }
}

// MARK: - Fixtures

/// A value for a key that is not its default, and the change of the settings that it causes.
private struct Example {
    let text: String
    let change: (inout Settings) -> Void

    init(_ key: SettingsKey) {
        switch key {
        case .listen:
            (text, change) = (
                "unix:/tmp/s",
                {
                    $0.listen = [.unix(path: "/tmp/s")]
                    $0.web = nil
                }
            )
        case .web: (text, change) = ("localhost:80", { $0.web = WebSetting(.tcp(host: "localhost", port: 80)) })
        case .allowPublic: (text, change) = ("true", { $0.allowsPublic = true })
        case .usersFile:
            (text, change) = (
                UsersExample.path,
                {
                    $0.usersPath = UsersExample.path
                    $0.principals = try? UsersFile(path: UsersExample.path).principals
                }
            )
        case .principalsFile:
            (text, change) = (
                PrincipalsExample.path,
                {
                    $0.principalsPath = PrincipalsExample.path
                    $0.principals = try? PrincipalsFile(path: PrincipalsExample.path).principals
                }
            )
        case .stateDirectory: (text, change) = ("/tmp", { $0.stateDirectory = "/tmp" })
        case .sandbox: (text, change) = ("no", { $0.isSandboxed = false })
        case .coreDumps: (text, change) = ("yes", { $0.allowsCoreDumps = true })
        case .reactors: (text, change) = ("3", { $0.reactors = 3 })
        case .logLevel: (text, change) = ("trace", { $0.logLevel = .trace })
        case .logFormat: (text, change) = ("json", { $0.logFormat = .json })
        case .blockedLoopMilliseconds: (text, change) = ("250", { $0.blockedLoopThreshold = .milliseconds(250) })
        case .lineBytes: (text, change) = ("1001", { $0.limits.wire.maxLineBytes = 1001 })
        case .bodyBytes: (text, change) = ("1002", { $0.limits.wire.maxBodyBytes = 1002 })
        case .selectArms: (text, change) = ("1003", { $0.limits.wire.maxSelectArms = 1003 })
        case .pendingTags: (text, change) = ("1004", { $0.limits.wire.maxPendingTags = 1004 })
        case .connections: (text, change) = ("1005", { $0.limits.maxConnections = 1005 })
        case .memory: (text, change) = ("1023", { $0.memory = 1023 })
        case .memoryPerHolder: (text, change) = ("1024", { $0.limits.memoryPerHolder = 1024 })
        case .memoryPerConnection: (text, change) = ("1025", { $0.limits.memoryPerConnection = 1025 })
        case .parkedBytes: (text, change) = ("1006", { $0.limits.parkedBytes = 1006 })
        case .keptBytes: (text, change) = ("1007", { $0.limits.keptBytes = 1007 })
        case .leases: (text, change) = ("1008", { $0.limits.maxLeases = 1008 })
        case .declaredChannels: (text, change) = ("1009", { $0.limits.maxDeclaredChannels = 1009 })
        case .ends: (text, change) = ("1010", { $0.limits.maxEnds = 1010 })
        case .capacity: (text, change) = ("1011", { $0.limits.wire.maxCapacity = 1011 })
        case .window: (text, change) = ("1012", { $0.limits.wire.maxWindow = 1012 })
        case .tombstones: (text, change) = ("1013", { $0.limits.maxTombstones = 1013 })
        case .tombstoneSeconds: (text, change) = ("1014", { $0.limits.tombstoneLife = .seconds(1014) })
        case .rememberedSends: (text, change) = ("1015", { $0.limits.maxRememberedSends = 1015 })
        case .rememberedSendSeconds: (text, change) = ("1016", { $0.limits.sendMemoryLife = .seconds(1016) })
        case .lineSeconds: (text, change) = ("1017", { $0.limits.lineTimeout = .seconds(1017) })
        case .stallSeconds: (text, change) = ("1018", { $0.limits.stallTimeout = .seconds(1018) })
        case .connectionsPerAddress: (text, change) = ("1019", { $0.limits.maxConnectionsPerAddress = 1019 })
        case .connectionsPerPrincipal: (text, change) = ("1020", { $0.limits.maxConnectionsPerPrincipal = 1020 })
        case .silenceSeconds: (text, change) = ("1022", { $0.limits.silenceTimeout = .seconds(1022) })
        case .drainSeconds: (text, change) = ("1021", { $0.limits.drainTimeout = .seconds(1021) })
        }
    }
}

/// A users' file for the examples, with one user, which only its owner can read.
private enum UsersExample {
    static let path: String = {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-users-of-\(getpid())").path()
        _ = FileManager.default.createFile(
            atPath: path, contents: Data("alice s3cret\n".utf8), attributes: [.posixPermissions: 0o600])
        return path
    }()
}

/// A file of principals for the examples, which only its owner can read.
private enum PrincipalsExample {
    static let path: String = {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-principals-of-\(getpid())").path()
        let digest = "sha256:" + String(repeating: "a", count: 64)
        _ = FileManager.default.createFile(
            atPath: path, contents: Data("principals: {alice: {tokens: [\"\(digest)\"]}}\n".utf8),
            attributes: [.posixPermissions: 0o600])
        return path
    }()
}

/// A file with some text, which is deleted with this object.
private final class TemporaryFile {
    let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-\(UUID()).yaml").path()

    init(_ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

private func load(
    _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
) throws -> Settings {
    let file = try file.map { try TemporaryFile($0) }
    return try withExtendedLifetime(file) {
        let flags = file.map { ["--config", $0.path] } ?? []
        return try Settings(Options.parsing(flags + arguments), environment: environment)
    }
}
