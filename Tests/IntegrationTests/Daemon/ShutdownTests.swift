import Foundation
import Testing

/// How the daemon stops while it has something to do.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ShutdownTests {
    private let refusal = "ERR draining the server is about to stop, and takes no new work"

    @Test(arguments: 0..<50) func underLoadNobodyIsToldWhatIsNotTrue(round: Int) throws {
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--reactors", round % 2 == 0 ? "1" : "3"])
        let load = try HandoffLoad(on: daemon.port, pairs: 4)
        load.waitForDeliveries(20 + round * 7)
        try daemon.expectEnd(after: SIGTERM)
        load.expectOnlyTrueOutcomes()
    }

    /// A client that holds a message of another one.
    private struct Holding {
        let daemon: Daemon
        let sender: LineSocket
        let receiver: LineSocket
        let did: String

        init(_ environment: [String: String] = [:], reactors: Int = 1) throws {
            daemon = try Daemon(
                ["--listen", "127.0.0.1:0", "--reactors", "\(reactors)"], environment: environment)
            (sender, receiver) = (try LineSocket(port: daemon.port), try LineSocket(port: daemon.port))
            try sender.send(Array("#s send jobs paint the fence\n".utf8))
            let head = try #require(try receiver.answer(to: "recv lease=1h jobs"))
            did = String(try #require(head.firstMatch(of: #/did=(\S+)/#)).1)
            #expect(try receiver.line() == "paint the fence")
        }

        /// Sends a signal, and returns once the daemon drains.
        func drain(_ signal: Int32) throws {
            daemon.program.send(signal: signal)
            while try receiver.answer(to: "recv timeout=0 nothing") == "TIMEOUT" {}
        }
    }

    @Test(arguments: [1, 2]) func aMessageUnderLeaseMayBeAcknowledgedWhileItDrains(reactors: Int) throws {
        let holding = try Holding(reactors: reactors)
        try holding.drain(SIGTERM)
        #expect(try holding.receiver.answer(to: "send jobs x") == refusal)
        #expect(try holding.receiver.answer(to: "touch \(holding.did)") == "OK")
        #expect(try holding.receiver.answer(to: "ack \(holding.did)") == "OK")
        #expect(try holding.receiver.line() == nil)
        #expect(try holding.sender.line() == "#s OK")
        #expect(try holding.sender.line() == nil)
        holding.sender.close()
        holding.receiver.close()
        #expect(try holding.daemon.program.status() == 0)
    }

    @Test func aMessageThatIsRefusedWhileItDrainsIsNobodys() throws {
        let holding = try Holding()
        try holding.drain(SIGTERM)
        #expect(try holding.receiver.answer(to: "nack \(holding.did)") == "OK")
        #expect(try holding.sender.line() == "#s CANCELLED draining")
        #expect(try holding.sender.line() == nil)
        holding.sender.close()
        holding.receiver.close()
        #expect(try holding.daemon.program.status() == 0)
    }

    @Test(arguments: ["0", "1"]) func whatIsHeldForTooLongIsInDoubt(seconds: String) throws {
        let holding = try Holding(["SLUICED_LIMITS_DRAIN_SECONDS": seconds], reactors: 2)
        holding.daemon.program.send(signal: SIGTERM)
        #expect(try holding.sender.line() == "#s MAYBE draining")
        #expect(try holding.sender.line() == nil)
        // Although nobody closes a side.
        #expect(try holding.daemon.program.status() == 0)
        #expect(try holding.receiver.line() == nil)
    }

    @Test func aSecondSignalDoesNotWait() throws {
        let holding = try Holding()
        try holding.drain(SIGTERM)
        holding.daemon.program.send(signal: SIGTERM)
        #expect(try holding.daemon.program.status() == -SIGTERM)
    }

    // MARK: SIGUSR2

    @Test func itMayDrainForAsLongAsThatTakes() throws {
        let holding = try Holding(["SLUICED_LIMITS_DRAIN_SECONDS": "0"])
        try holding.drain(SIGUSR2)
        // Again, it changes nothing.
        holding.daemon.program.send(signal: SIGUSR2)
        let info = try #require(try holding.receiver.answer(to: "info format=json"))
        #expect(info.hasPrefix("DATA "))
        #expect(try holding.receiver.line()?.contains(#""isDraining":true"#) == true)
        #expect(try holding.receiver.answer(to: "ack \(holding.did)") == "OK")
        #expect(try holding.sender.line() == "#s OK")
        holding.sender.close()
        holding.receiver.close()
        #expect(try holding.daemon.program.status() == 0)
    }

    @Test func anotherOneCanListenWhileItDrains() throws {
        let holding = try Holding()
        try holding.drain(SIGUSR2)
        let next = try Daemon(["--listen", "127.0.0.1:\(holding.daemon.port)"])
        #expect(try LineSocket(port: next.port).answer(to: "ping") == "OK")
        try next.expectEnd(after: SIGTERM)
        try holding.receiver.send(Array("ack \(holding.did)\n".utf8))
        #expect(try holding.sender.line() == "#s OK")
        holding.sender.close()
        holding.receiver.close()
        #expect(try holding.daemon.program.status() == 0)
    }

    @Test func itsPatienceCanBeEnded() throws {
        let holding = try Holding(["SLUICED_LIMITS_DRAIN_SECONDS": "0"])
        try holding.drain(SIGUSR2)
        holding.daemon.program.send(signal: SIGTERM)
        #expect(try holding.sender.line() == "#s MAYBE draining")
        #expect(try holding.daemon.program.status() == 0)
    }

    // MARK: Processes

    @Test func aProcessPassesOnWhatItHasTaken() throws {
        let file = TemporaryFile(
            "processes.yaml", containing: "listen: 127.0.0.1:0\nprocesses:\n  - echo: {from: a, to: b}\n")
        let daemon = try Daemon(["--config", file.path])
        let (sender, receiver) = (try LineSocket(port: daemon.port), try LineSocket(port: daemon.port))
        try sender.send(Array("send a x\n".utf8))
        let head = try #require(try receiver.answer(to: "recv lease=1h b"))
        let did = try #require(head.firstMatch(of: #/did=(\S+)/#)).1
        #expect(try receiver.line() == "x")
        daemon.program.send(signal: SIGTERM)
        while try receiver.answer(to: "recv timeout=0 nothing") == "TIMEOUT" {}
        #expect(try receiver.answer(to: "ack \(did)") == "OK")
        #expect(try sender.line() == "OK")
        sender.close()
        receiver.close()
        #expect(try daemon.program.status() == 0)
    }
}
