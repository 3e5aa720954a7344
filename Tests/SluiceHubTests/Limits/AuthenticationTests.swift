import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceHub

/// A hub whose clients must authenticate.
@Suite(.bounded) struct AuthenticationTests {
    private func users() throws -> Principals {
        var users = Principals()
        let added = [users.add("alice", token: "s3cret"), users.add("bob", token: "x")]
        try #require(added == [true, true])
        return users
    }

    private let required = "ERR auth-required authenticate first: AUTH principal token\n"
    private let denied = "ERR denied unknown principal or wrong token\n"

    @Test(
        "Before AUTH, commands that use or show the hub are refused",
        arguments: ["PING", "RECV timeout=0 c", "#a SEND c x", "CLIENTS", "NAME x", "CANCEL #a"])
    func commandsBeforeAUTHAreRefused(line: String) throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("\(line)\nAUTH alice s3cret\n")
            try await client.hear((line.hasPrefix("#") ? "#a " : "") + required + "OK\n")
            #expect(service.hub.parkedCount == 0)
        }
    }

    @Test(
        "A second command before AUTH ends the connection",
        arguments: ["HELLO", "HELP", "PING", "FETCH", "SEND len=3 c\nx y"])
    func aSecondCommandBeforeAUTHEndsTheConnection(line: String) throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("QUIT now\n\(line)\n\nAUTH alice s3cret\n")
            _ = try await client.hearLine()
            try await client.hearEnd(after: "ERR denied before AUTH a client may send at most 1 other command\n")
            client.stream.close()
            try await service.until { service.hub.endings[.denied] == 1 }
        }
    }

    @Test("QUIT is answered before AUTH")
    func quitIsAllowedBeforeAUTH() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("HELLO\nQUIT\n")
            try await client.hear("OK version=1")
            _ = try await client.hearLine()
            try await client.hearEnd(after: "OK\n")
        }
    }

    @Test("An authenticated client may use every command, and CLIENTS shows its principal")
    func anAuthenticatedClientMayDoEverything() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("AUTH alice s3cret\n#a RECV c\nSEND c hello\n")
            try await client.hear("OK\nOK\n#a MSG c 5\nhello\n")
            try await client.say("clients format=json\n")
            try await client.hear("DATA ")
            let text = try await client.hearLine() + client.hearLine()
            #expect(text.contains(#""principal":"alice""#))
        }
    }

    @Test(
        "A wrong user or token ends the connection with the same reply",
        arguments: [
            "AUTH alice S3cret", "AUTH alice s3cre", "AUTH alice s3cret2", "AUTH carol s3cret", "AUTH alice x",
            "AUTH bob s3cret", "AUTH bob xx", "AUTH nobody x",
        ])
    func aWrongTokenEndsTheConnection(line: String) throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("#t \(line)\nAUTH alice s3cret\n")
            try await client.hearEnd(after: "#t " + denied)
            client.stream.close()
            try await service.until { service.hub.endings[.denied] == 1 }
        }
    }

    @Test("A client that does not authenticate in time is disconnected")
    func authenticationMustComeInTime() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("HELLO\n")
            try await client.hear("OK version=1")
            service.clock.advance(by: .milliseconds(1999))
            let other = try await service.connect()
            try await other.say("PING\n")
            try await other.hear(required)
            #expect(service.hub.connectionCount == 2)
            _ = try await client.hearLine()
            service.clock.advance(by: .milliseconds(1))
            try await client.hearEnd(after: "ERR denied AUTH must come within 2 s\n")
        }
    }

    @Test("A client may send only 1024 bytes before AUTH")
    func fewBytesAreReadBeforeAUTH() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("SEND len=1000000 c\n" + String(repeating: "x", count: 2000))
            try await client.hearEnd(after: "ERR denied before AUTH a client may send at most 1024 bytes\n")
        }
    }

    @Test("What stands behind a good AUTH in the same write is not limited")
    func whatFollowsAUTHIsNotLimited() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            let text = String(repeating: "y", count: 4000)
            try await client.say("AUTH bob x\nPING \(text)\nPING\nPING\n")
            try await client.hear("OK\nDATA 4000\n\(text)\nOK\nOK\n")
        }
    }

    @Test("A client that sends no line end before AUTH is limited as well")
    func anEndlessLineBeforeAUTHIsLimited() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("AUTH bob " + String(repeating: "x", count: 1100))
            try await client.hearEnd(after: "ERR denied before AUTH a client may send at most 1024 bytes\n")
        }
    }

    @Test("The limits on time and bytes end with AUTH")
    func theLimitsBeforeAUTHEndWithIt() throws {
        try HubService.run(principals: try users()) { service in
            let client = try await service.connect()
            try await client.say("AUTH bob x\n")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(3600))
            try await client.say("PING " + String(repeating: "y", count: 4000) + "\n")
            try await client.hear("DATA 4000\n")
        }
    }

    @Test("AUTH is denied by a hub without users, and the connection goes on")
    func authWithoutUsersIsDenied() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("AUTH alice s3cret\nPING\n")
            try await client.hear("ERR denied this server has no principals and requires no AUTH\nOK\n")
        }
    }

    @Test("A user needs a valid name that is not taken and a token without spaces")
    func usersHaveNamesAndTokensWithoutSpaces() {
        var users = Principals()
        let added = [
            users.add("a", token: "t"), users.add("a", token: "u"), users.add("-a", token: "t"),
            users.add("b", token: ""), users.add("c", token: "a b"), users.add("d", token: "a\n"),
        ]
        #expect(added == [true, false, false, false, false, false])
        #expect(users.count == 1)
    }
}
