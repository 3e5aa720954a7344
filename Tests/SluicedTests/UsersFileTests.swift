import Foundation
import SluiceHub
import Testing

@testable import sluiced

@Suite struct UsersFileTests {
    private func message(of text: String) -> String? {
        do {
            _ = try UsersFile(path: "users", text: text)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("A line of the users' file has a name and a token")
    func lines() throws {
        let users = try UsersFile(path: "users", text: "# users\n\nalice s3cret\n  bob\tx  \n").principals
        var expected = Principals()
        let added = [expected.add("alice", token: "s3cret"), expected.add("bob", token: "x")]
        #expect(added == [true, true])
        #expect(users == expected)
    }

    @Test(
        "The error for a wrong line has its number and no token",
        arguments: ["alice", "alice a b", "-alice a", "al!ce a", "bob b\nbob c", "\n\nbob\n"])
    func wrongLines(text: String) throws {
        let problem = try #require(self.message(of: text))
        #expect(problem.contains(/^users:[123]: write NAME TOKEN, with a valid name that no other line has$/))
    }

    @Test("A users' file without users is refused")
    func empty() {
        #expect(message(of: "# no users yet\n") == "users: it has no users; write NAME TOKEN on a line for each")
    }

    @Test("A users' file must be private, and permits addresses that other machines can reach")
    func settings() throws {
        let path = "/tmp/sluiced-users-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("alice s3cret\n".utf8).write(to: URL(filePath: path))
        let environment = ["SLUICED_USERS_FILE": path, "SLUICED_LISTEN": "0.0.0.0:7333"]
        chmod(path, 0o644)
        #expect(throws: SettingsError.self) { try Settings(Options.parsing([]), environment: environment) }
        chmod(path, 0o600)
        #expect(try Settings(Options.parsing([]), environment: environment).principals?.count == 1)
        #expect(throws: SettingsError.self) {
            try Settings(Options.parsing([]), environment: ["SLUICED_USERS_FILE": path + "-not"])
        }
    }
}
