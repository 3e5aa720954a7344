import Foundation
import SluiceHub
import Testing

@testable import sluiced

@Suite struct PrincipalsFileTests {
    private let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    private func message(of text: String) -> String? {
        do {
            _ = try PrincipalsFile(path: "p", text: text)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("A file tells what each principal may do and use")
    func wholeFile() throws {
        let text = """
            principals:
              worker:
                tokens: ["\(digest)", "\(digest)"]
                certificate: "spiffe://corp/worker"
                allow: {recv: ["jobs/"], send: "results/", inspect: own}
                deny:
                  poison: [""]
                limits: {connections: 50, memory: 64MiB, declared-channels: 200, remembered-sends: 5000}
              ops: {tokens: ["\(digest)"], allow: {"*": [""], inspect: all, trace: [""], kill: all}, reserved-connections: 5}
              watcher: {tokens: ["\(digest)"], allow: {inspect: ["jobs/", "news/"]}}
              anonymous: {allow: {send: ["public/"]}}
            """
        let principals = try PrincipalsFile(path: "p", text: text).principals
        var expected = Principals()
        var worker = Principal()
        var added = [worker.add(tokenDigest: digest), worker.add(token: "abc")]
        worker.certificate = "spiffe://corp/worker"
        worker.permissions.allow(.receive, on: "jobs/")
        worker.permissions.allow(.send, on: "results/")
        worker.permissions.inspection = .own
        worker.permissions.deny(.poison, on: "")
        worker.limits.connections = 50
        worker.limits.memory = 64 << 20
        worker.limits.declaredChannels = 200
        worker.limits.rememberedSends = 5000
        var ops = Principal()
        added.append(ops.add(tokenDigest: digest))
        for commands in Permissions.CommandClass.ofUse + [.trace] { ops.permissions.allow(commands, on: "") }
        ops.permissions.inspection = .everything
        ops.permissions.mayKill = true
        ops.limits.reservedConnections = 5
        var watcher = Principal()
        added.append(watcher.add(tokenDigest: digest))
        for prefix in ["jobs/", "news/"] { watcher.permissions.allow(.inspect, on: prefix) }
        added += [expected.add("worker", worker), expected.add("ops", ops), expected.add("watcher", watcher)]
        var anonymous = Permissions()
        anonymous.allow(.send, on: "public/")
        expected.anonymous = anonymous
        #expect(added.allSatisfy { $0 })
        #expect(principals == expected)
    }

    @Test(
        "A mistake is named with its line and what to do",
        arguments: [
            ("", "p: principals: the file must begin with the key principals"),
            ("users: {}\n", "p:1: principals: unknown key \"users\"; the file has only the key principals"),
            ("principals:\n", "p:1: principals: write NAME: {tokens: […], allow: {…}} for each principal"),
            ("principals:\n  a: x\n", "p:2: principals: a: write its keys after it in braces"),
            (
                "principals:\n  a: {}\n",
                "p:2: principals: a: it needs tokens: [\"sha256:…\"], which `sluice token new` makes"
            ),
            (
                "principals:\n  a: {tokens: [s3cret]}\n",
                "p:2: principals: a: tokens: write sha256: and 64 hexadecimal digits"
            ),
            (
                "principals:\n  a:\n    token: x\n",
                "p:3: principals: a: unknown key \"token\"; did you mean \"tokens\"?"
            ),
            (
                "principals:\n  a:\n    allow: [send]\n",
                "p:3: principals: a: allow: write it as {CLASS: [PREFIX, …], …}"
            ),
            (
                "principals:\n  a:\n    allow:\n      receive: [x]\n",
                "p:4: principals: a: allow: unknown class \"receive\"; did you mean \"recv\"?"
            ),
            (
                "principals:\n  a:\n    deny: {send: [\"a b\"]}\n",
                "p:3: principals: a: deny: send: \"a b\" cannot begin a name; use A-Z"
            ),
            ("principals:\n  a:\n    allow: {send: []}\n", "p:3: principals: a: allow: send: the list is empty"),
            ("principals:\n  a:\n    allow: {send: }\n", "p:3: principals: a: allow: send: it takes a value or a list"),
            (
                "principals:\n  a:\n    allow: {inspect: some}\n",
                "p:3: principals: a: allow: inspect: it takes none, own, all"
            ),
            ("principals:\n  a:\n    allow: {kill: [\"\"]}\n", "p:3: principals: a: allow: kill: it takes all or none"),
            (
                "principals:\n  a:\n    limits: {memory: 64MB}\n",
                "p:3: principals: a: limits: memory: \"64MB\" is not a whole number from 0 to 1099511627776, or one with KiB"
            ),
            (
                "principals:\n  a:\n    limits:\n      connection: 1\n",
                "p:4: principals: a: unknown key \"connection\"; did you mean \"connections\"?"
            ),
            (
                "principals:\n  anonymous: {certificate: x}\n",
                "p:2: principals: anonymous: it takes only the keys allow and deny"
            ),
            ("principals:\n  -a: {certificate: x}\n", "p:2: principals: \"-a\" is not a name"),
            (
                "principals:\n  a: {certificate: x}\n  b: {certificate: x}\n",
                "p:3: principals: b: another principal has the same certificate"
            ),
            ("principals: {a: [", "p:1: "),
        ])
    func mistakes(text: String, message: String) throws {
        let problem = try #require(self.message(of: text))
        #expect(problem.hasPrefix(message), "\(problem)")
    }

    @Test("A file of principals must be private and belong to the daemon's user", arguments: [0o644, 0o620, 0o604])
    func privacy(mode: Int) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-principals-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("principals: {a: {tokens: [\"\(digest)\"]}}\n".utf8).write(to: URL(filePath: path))
        chmod(path, mode_t(mode))
        for arguments in [["--config", path], []] {
            let environment = arguments.isEmpty ? ["SLUICED_PRINCIPALS_FILE": path] : [:]
            do {
                _ = try Settings(Options.parsing(arguments), environment: environment)
                Issue.record("the file is accepted")
            } catch {
                #expect("\(error)".hasSuffix("run chmod 600 on the file"))
            }
        }
        chmod(path, 0o600)
        #expect(try Settings(Options.parsing(["--config", path]), environment: [:]).principals?.count == 1)
        let both = ["SLUICED_PRINCIPALS_FILE": path]
        do {
            _ = try Settings(Options.parsing(["--config", path]), environment: both)
            Issue.record("two sources are accepted")
        } catch {
            #expect("\(error)" == "principals-file and principals are set; set only one of them")
        }
        #expect(throws: Never.self) {
            try Settings(Options.parsing(["--listen", "0.0.0.0:1"]), environment: both)
        }
        guard getuid() == 0 else { return }
        chown(path, 12_345, 12_345)
        #expect(throws: SettingsError.self) { try Settings(Options.parsing([]), environment: both) }
    }

    @Test("config/principals.yaml can be used")
    func example() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/principals.yaml").standardizedFileURL.path()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let principals = try PrincipalsFile(path: path, text: text).principals
        #expect(principals.count == 2 && principals.anonymous != nil)
    }
}
