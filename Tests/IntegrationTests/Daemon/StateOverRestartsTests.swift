import Foundation
import TestSupport
import Testing

/// What a daemon with a state directory keeps over a restart.
@Suite(.bounded) struct StateOverRestartsTests {
    private func stateDirectory() throws -> String {
        let path = temporaryPath("state-\(UUID())")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
    }

    private func start(_ path: String) throws -> Daemon {
        try Daemon(["--listen", "127.0.0.1:0", "--state-directory", path])
    }

    @Test("After SIGTERM, the next run has the buffered messages, declarations and ids, once")
    func messagesStay() throws {
        let path = try stateDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try start(path)
        let replies = try first.conversation(
            "OPEN cap=10 jobs\nSEND id=a jobs one\nSEND jobs two\nSEND len=3 jobs\n1\n2\nPOISON old a bad day\nQUIT\n")
        #expect(replies == "OK\nOK\nOK\nOK\nOK\nOK\n")
        try first.expectEnd(after: SIGTERM)
        let status = try FileManager.default.attributesOfItem(atPath: path + "/hub")
        #expect(status[.posixPermissions] as? Int == 0o600)

        let second = try start(path)
        #expect(!FileManager.default.fileExists(atPath: path + "/hub"))
        #expect(
            try second.conversation("SEND id=a jobs one\nSEND old x\nQUIT\n")
                == "OK dup=yes\nPOISONED old a bad day\nOK\n")
        #expect(
            try second.conversation("RECV jobs\nRECV jobs\nRECV jobs\nRECV timeout=0 jobs\nOPEN cap=11 jobs\nQUIT\n")
                == "MSG jobs 3\none\nMSG jobs 3\ntwo\nMSG jobs 3\n1\n2\nTIMEOUT\n"
                + "ERR conflict the channel is open with other options; CLOSE it first\nOK\n")
        try second.expectEnd(after: SIGTERM)

        let third = try start(path)
        #expect(try third.conversation("RECV timeout=0 jobs\nQUIT\n") == "TIMEOUT\nOK\n")
        // A killed daemon keeps nothing, and what an earlier one kept does not come back.
        _ = try third.conversation("SEND jobs lost\nQUIT\n")
        third.program.send(signal: SIGKILL)
        _ = try third.program.status()
        #expect(try start(path).conversation("RECV timeout=0 jobs\nQUIT\n") == "TIMEOUT\nOK\n")
    }

    @Test("A daemon does not start with a damaged state, says which, and leaves it alone")
    func damagedState() throws {
        let path = try stateDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try start(path)
        #expect(try first.conversation("OPEN cap=10 jobs\nSEND jobs one\nQUIT\n") == "OK\nOK\nOK\n")
        try first.expectEnd(after: SIGTERM)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path + "/hub"))
        try whole.dropLast(10).write(to: URL(fileURLWithPath: path + "/hub"))
        let refused = try Daemon.start(["--listen", "127.0.0.1:0", "--state-directory", path])
        #expect(try refused.status() == 78)
        let error = try #require(try refused.errorOutput().split(separator: "\n").last)
        #expect(error.contains("\(path)/hub: line "))
        #expect(error.hasSuffix("to start without what the last run kept, move the file away"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + "/hub")).count == whole.count - 10)
        try FileManager.default.moveItem(atPath: path + "/hub", toPath: path + "/damaged")
        #expect(try start(path).conversation("RECV timeout=0 jobs\nQUIT\n") == "TIMEOUT\nOK\n")
    }
}
