import Foundation
import TestSupport
import Testing

/// The daemon's shutdown while clients use it.
@Suite(.serialized, .bounded) struct ShutdownTests {
    private let refusal = "ERR draining the server is about to stop and accepts no new work"

    @Test("Every reply is true when the daemon stops under load", arguments: 0..<50)
    func repliesAreTrueDuringAShutdown(round: Int) throws {
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--reactors", round % 2 == 0 ? "1" : "3"])
        let load = try HandoffLoad(on: daemon.port, pairs: 4)
        load.waitForDeliveries(20 + round * 7)
        try daemon.expectEnd(after: SIGTERM)
        load.expectOnlyTrueOutcomes()
    }

    /// A daemon with one client that holds a lease on another client's message.
    private struct HeldMessage {
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

        /// Sends a signal, and waits until the daemon drains.
        func drain(_ signal: Int32) throws {
            daemon.program.send(signal: signal)
            try waitUntil { try receiver.answer(to: "recv timeout=0 nothing") != "TIMEOUT" }
        }
    }

    @Test("A leased message can be acknowledged while the daemon drains", arguments: [1, 2])
    func aMessageUnderLeaseMayBeAcknowledgedWhileItDrains(reactors: Int) throws {
        let held = try HeldMessage(reactors: reactors)
        try held.drain(SIGTERM)
        #expect(try held.receiver.answer(to: "send jobs x") == refusal)
        #expect(try held.receiver.answer(to: "touch \(held.did)") == "OK")
        #expect(try held.receiver.answer(to: "ack \(held.did)") == "OK")
        #expect(try held.receiver.line() == nil)
        #expect(try held.sender.line() == "#s OK")
        #expect(try held.sender.line() == nil)
        held.sender.close()
        held.receiver.close()
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("A nack while the daemon drains cancels the send")
    func aNackWhileDrainingCancelsTheSend() throws {
        let held = try HeldMessage()
        try held.drain(SIGTERM)
        #expect(try held.receiver.answer(to: "nack \(held.did)") == "OK")
        #expect(try held.sender.line() == "#s CANCELLED draining")
        #expect(try held.sender.line() == nil)
        held.sender.close()
        held.receiver.close()
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("The limit of the drain answers MAYBE to the sender of a leased message", arguments: ["0", "1"])
    func theDrainLimitAnswersMaybe(seconds: String) throws {
        let held = try HeldMessage(["SLUICED_LIMITS_DRAIN_SECONDS": seconds], reactors: 2)
        held.daemon.program.send(signal: SIGTERM)
        #expect(try held.sender.line() == "#s MAYBE draining")
        #expect(try held.sender.line() == nil)
        // The daemon ends although no client closes its connection.
        #expect(try held.daemon.program.status() == 0)
        #expect(try held.receiver.line() == nil)
    }

    @Test(
        "A second signal cuts the drain short with replies and status 0", arguments: [SIGTERM, SIGINT, SIGQUIT], [1, 2])
    func aSecondSignalEndsTheDrain(signal: Int32, reactors: Int) throws {
        let held = try HeldMessage(reactors: reactors)
        try held.drain(SIGTERM)
        held.daemon.program.send(signal: signal)
        #expect(try held.sender.line() == "#s MAYBE draining")
        #expect(try held.sender.line() == nil)
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("SIGQUIT stops the daemon at once, with a reply to every pending command")
    func sigquitStopsAtOnce() throws {
        let held = try HeldMessage()
        let waiting = try LineSocket(port: held.daemon.port)
        try waiting.send(Array("#r recv nothing\n".utf8))
        #expect(try waiting.answer(to: "ping") == "OK")
        held.daemon.program.send(signal: SIGQUIT)
        #expect(try waiting.line() == "#r CANCELLED draining")
        #expect(try held.sender.line() == "#s MAYBE draining")
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("The daemon ends although idle clients stay connected")
    func idleClientsDoNotDelayTheEnd() throws {
        let daemon = try Daemon()
        let idle = try (0..<20).map { _ in try LineSocket(port: daemon.port) }
        for client in idle { #expect(try client.answer(to: "ping") == "OK") }
        try daemon.expectEnd(after: SIGTERM)
        for client in idle { #expect(try client.line() == nil) }
    }

    @Test("A signal without a meaning does not end the daemon", arguments: [SIGPIPE, SIGALRM, SIGXFSZ, SIGPROF, SIGIO])
    func otherSignalsAreIgnored(signal: Int32) throws {
        let daemon = try Daemon()
        daemon.program.send(signal: signal)
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "ping") == "OK")
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("SIGUSR1 logs what the daemon does and does not end it")
    func sigusr1LogsTheState() throws {
        let daemon = try Daemon()
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "#r recv jobs\nping") == "OK")
        daemon.program.send(signal: SIGUSR1)
        var line = try #require(try daemon.program.errorLine())
        if line.contains("landlock=") { line = try #require(try daemon.program.errorLine()) }
        #expect(line.contains("connections=1") && line.contains("parked=1") && line.hasSuffix("status"), "\(line)")
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    // MARK: SIGUSR2

    @Test("SIGUSR2 drains without a limit")
    func sigusr2DrainsWithoutALimit() throws {
        let held = try HeldMessage(["SLUICED_LIMITS_DRAIN_SECONDS": "0"])
        try held.drain(SIGUSR2)
        // A second SIGUSR2 changes nothing.
        held.daemon.program.send(signal: SIGUSR2)
        let info = try #require(try held.receiver.answer(to: "info format=json"))
        #expect(info.hasPrefix("DATA "))
        #expect(try held.receiver.line()?.contains(#""isDraining":true"#) == true)
        #expect(try held.receiver.answer(to: "ack \(held.did)") == "OK")
        #expect(try held.sender.line() == "#s OK")
        held.sender.close()
        held.receiver.close()
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("Another daemon can listen on the address of one that drains")
    func anotherDaemonCanListenDuringTheDrain() throws {
        let held = try HeldMessage()
        try held.drain(SIGUSR2)
        let next = try Daemon(["--listen", "127.0.0.1:\(held.daemon.port)"])
        #expect(try LineSocket(port: next.port).answer(to: "ping") == "OK")
        try next.expectEnd(after: SIGTERM)
        try held.receiver.send(Array("ack \(held.did)\n".utf8))
        #expect(try held.sender.line() == "#s OK")
        held.sender.close()
        held.receiver.close()
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("SIGTERM sets a limit for a drain that SIGUSR2 began")
    func sigtermLimitsADrain() throws {
        let held = try HeldMessage(["SLUICED_LIMITS_DRAIN_SECONDS": "0"])
        try held.drain(SIGUSR2)
        held.daemon.program.send(signal: SIGTERM)
        #expect(try held.sender.line() == "#s MAYBE draining")
        #expect(try held.daemon.program.status() == 0)
    }

    @Test("A client that sends without pause does not hold up a drain", arguments: ["x", "ping", ""])
    func aClientThatSendsWithoutPauseDoesNotHoldUpADrain(line: String) throws {
        let daemon = try Daemon()
        let flood = try Program("/bin/sh", ["-c", "yes '\(line)' | nc 127.0.0.1 \(daemon.port) >/dev/null"])
        // Two connections: the flood has begun.
        let client = try LineSocket(port: daemon.port)
        try waitUntil {
            let head = try #require(try client.answer(to: "clients"))
            let count = try #require(Int(head.dropFirst("DATA ".count)))
            var rows = 0
            var read = 0
            while read <= count {
                let row = try #require(try client.line())
                read += row.utf8.count + 1
                rows += row.contains("127.0.0.1:") ? 1 : 0
            }
            return rows == 2
        }
        try daemon.expectEnd(after: SIGUSR2)
        _ = flood
    }

    @Test("A daemon whose descriptors are all in use reloads its configuration and stops")
    func aDaemonWithoutFreeDescriptorsGoesOn() throws {
        let daemon = try Daemon(descriptors: 40)
        let clients = try (0..<60).map { _ in try LineSocket(port: daemon.port) }
        try waitUntil {
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.program.identifier)/fd")
            return open.count >= 39
        }
        daemon.program.send(signal: SIGHUP)
        try waitUntil { try daemon.program.errorLine()?.contains("configuration") == true }
        #expect(try clients[0].answer(to: "ping") == "OK")
        try daemon.expectEnd(after: SIGTERM)
    }

    // MARK: Processes

    @Test("A built-in process delivers its message while the daemon drains")
    func aProcessDeliversItsMessageDuringTheDrain() throws {
        let file = TemporaryFile(
            "processes.yaml", containing: "listen: 127.0.0.1:0\nprocesses:\n  - echo: {from: a, to: b}\n")
        let daemon = try Daemon(["--config", file.path])
        let (sender, receiver) = (try LineSocket(port: daemon.port), try LineSocket(port: daemon.port))
        try sender.send(Array("send a x\n".utf8))
        let head = try #require(try receiver.answer(to: "recv lease=1h b"))
        let did = try #require(head.firstMatch(of: #/did=(\S+)/#)).1
        #expect(try receiver.line() == "x")
        daemon.program.send(signal: SIGTERM)
        try waitUntil { try receiver.answer(to: "recv timeout=0 nothing") != "TIMEOUT" }
        #expect(try receiver.answer(to: "ack \(did)") == "OK")
        #expect(try sender.line() == "OK")
        sender.close()
        receiver.close()
        #expect(try daemon.program.status() == 0)
    }
}
