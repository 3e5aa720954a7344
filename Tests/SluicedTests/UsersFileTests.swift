import Foundation
import SluiceHub
import Testing

@testable import sluiced

@Suite("users-file")
struct UsersFileTests {
    private func message(of text: String) -> String? {
        do {
            _ = try UsersFile(path: "users", text: text)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("has a name and a token in a line")
    func lines() throws {
        let users = try UsersFile(path: "users", text: "# who\n\nalice s3cret\n  bob\tx  \n").users
        var expected = Users()
        let added = [expected.add("alice", token: "s3cret"), expected.add("bob", token: "x")]
        #expect(added == [true, true])
        #expect(users == expected)
    }

    @Test(
        "names the first line that is wrong, and no token",
        arguments: ["alice", "alice a b", "-alice a", "al!ce a", "bob b\nbob c", "\n\nbob\n"])
    func wrongLines(text: String) throws {
        let problem = try #require(self.message(of: text))
        #expect(problem.contains(/^users:[123]: a line is a name that stands once, and a token$/))
    }

    @Test("has a user in it")
    func empty() {
        #expect(message(of: "# nobody yet\n") == "users: there is no user in it")
    }

    @Test("is private, and opens addresses of other machines")
    func settings() throws {
        let path = "/tmp/sluiced-users-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("alice s3cret\n".utf8).write(to: URL(filePath: path))
        let environment = ["SLUICED_USERS_FILE": path, "SLUICED_LISTEN": "0.0.0.0:7333"]
        chmod(path, 0o644)
        #expect(throws: SettingsError.self) { try Settings(Options.parsing([]), environment: environment) }
        chmod(path, 0o600)
        #expect(try Settings(Options.parsing([]), environment: environment).users?.count == 1)
        #expect(throws: SettingsError.self) {
            try Settings(Options.parsing([]), environment: ["SLUICED_USERS_FILE": path + "-not"])
        }
    }
}
