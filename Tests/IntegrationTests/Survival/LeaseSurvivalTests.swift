import Foundation
import TestSupport
import Testing

@Suite("Receivers that are killed with a lease", .serialized, .bounded) struct LeaseSurvivalTests {
    @Test("Two hundred receivers that are killed with a message under a lease lose none")
    func nothingIsLostWithTwoHundredReceiversThatWereStoppedMatchedAndKilled() throws {
        let daemon = try Daemon()
        let sender = try daemon.netcat()
        let control = try daemon.netcat()
        for round in 0..<200 {
            let receiver = try daemon.netcat()
            try receiver.say("ping\nrecv lease=1h jobs\n")
            #expect(try receiver.line() == "OK", "it has run; the receive behind it waits")
            receiver.send(signal: SIGSTOP)
            try control.say("waiters jobs\n")
            while try !reply(of: control).contains("recv jobs") { try control.say("waiters jobs\n") }
            // The message goes to the stopped receiver, which never reads it.
            try sender.say("#\(round) send jobs message \(round)\n")
            try control.say("waiters jobs\n")
            while try !reply(of: control).contains("under lease") { try control.say("waiters jobs\n") }
            receiver.send(signal: SIGKILL)
            // The next receiver gets the same message. The sender's OK must wait for its acknowledgement.
            try control.say("recv lease=1h jobs\n")
            let head = try #require(try control.line())
            #expect(head.hasPrefix("MSG jobs ") && head.contains(" attempt=2 fence="))
            #expect(try control.line() == "message \(round)")
            let did = try #require(head.firstMatch(of: #/did=(\S+)/#))
            try sender.say("ping before \(round)\n")
            #expect(try sender.line()?.hasPrefix("DATA ") == true, "no OK of the send came first")
            #expect(try sender.line() == "before \(round)")
            try control.say("ack \(did.1)\n")
            #expect(try control.line() == "OK")
            #expect(try sender.line() == "#\(round) OK")
        }
        try daemon.expectEnd(after: SIGTERM)
    }

    /// Reads the body of a `DATA`.
    private func reply(of netcat: Program) throws -> String {
        let head = try #require(try netcat.line())
        var left = try #require(head.split(separator: " ").last.flatMap { Int($0) })
        var lines: [String] = []
        while left >= 0 {
            let line = try #require(try netcat.line())
            lines.append(line)
            left -= line.utf8.count + 1
        }
        return lines.joined(separator: "\n")
    }
}
