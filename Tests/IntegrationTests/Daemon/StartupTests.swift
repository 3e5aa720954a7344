import Foundation
import TestSupport
import Testing

/// The start and the end of the daemon, and the errors that keep it from starting.
@Suite(.serialized, .bounded) struct StartupTests {
    @Test("SIGTERM and SIGINT stop the daemon with status 0", arguments: [SIGTERM, SIGINT])
    func aSignalStopsTheDaemon(signal: Int32) throws {
        let daemon = try Daemon()
        let client = try daemon.netcat()
        try client.say("ping\nrecv jobs\n")
        try client.closeInput()
        #expect(try client.line() == "OK")
        try daemon.expectEnd(after: signal)
        #expect(try client.rest() == "CANCELLED draining\n")
    }

    @Test("Two signals at the same time stop the daemon with status 0")
    func twoSignalsStopTheDaemon() throws {
        let daemon = try Daemon()
        // Stopped by SIGSTOP, the daemon gets both signals at the same time.
        daemon.program.send(signal: SIGSTOP)
        daemon.program.send(signal: SIGTERM)
        daemon.program.send(signal: SIGINT)
        daemon.program.send(signal: SIGCONT)
        #expect(try daemon.program.status() == 0)
    }

    @Test("The daemon prints a ready line for each listener")
    func everyListenerHasAReadyLine() throws {
        let path = temporaryPath("ready.sock")
        let daemon = try Daemon(
            ["--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--listen", "unix:\(path)"], listeners: 3)
        #expect(daemon.readyLines[0].hasPrefix("ready tcp=127.0.0.1:"))
        #expect(daemon.readyLines[1].hasPrefix("ready tcp=[::1]:"))
        #expect(daemon.readyLines[2] == "ready unix=\(path)")
        try daemon.expectEnd(after: SIGTERM)
        #expect(try daemon.program.rest() == "")
    }

    @Test("The daemon raises its limit on descriptors to the hard limit")
    func theDescriptorLimitIsRaised() throws {
        let daemon = try Daemon()
        let limits = try String(contentsOfFile: "/proc/\(daemon.program.identifier)/limits", encoding: .utf8)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let values = try #require(line.firstMatch(of: #/(\d+) +(\d+) +files/#))
        #expect(values.1 == values.2)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The kernel's table of descriptors is large enough for all connections from the start")
    func theDescriptorTableIsLarge() throws {
        let daemon = try Daemon(environment: ["SLUICED_LIMITS_CONNECTIONS": "700"])
        let status = try String(contentsOfFile: "/proc/\(daemon.program.identifier)/status", encoding: .utf8)
        let size = try #require(status.firstMatch(of: #/FDSize:\s*(\d+)/#)).1
        #expect(try #require(Int(size)) >= 700)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("Clients of different reactors exchange messages")
    func clientsOfDifferentReactorsMatch() throws {
        let path = temporaryPath("reactors.sock")
        let daemon = try Daemon(
            ["--reactors", "3", "--listen", "127.0.0.1:0", "--listen", "unix:\(path)"], listeners: 2)
        let receivers = try (0..<12).map { _ in try LineSocket(port: daemon.port) }
        let senders = try (0..<12).map { _ in try LineSocket(port: daemon.port) }
        for round in 0..<50 {
            for (number, receiver) in receivers.enumerated() { try receiver.send(Array("recv c\(number)\n".utf8)) }
            for (number, sender) in senders.enumerated() { try sender.send(Array("send c\(number) \(round)\n".utf8)) }
            for (number, receiver) in receivers.enumerated() {
                #expect(try receiver.line() == "MSG c\(number) \("\(round)".utf8.count)")
                #expect(try receiver.line() == "\(round)")
            }
            for sender in senders { #expect(try sender.line() == "OK") }
        }
        try daemon.expectEnd(after: SIGTERM)
    }

    // MARK: Errors

    /// Checks that the daemon does not start, and prints the reason in one line.
    private func expectRefusal(
        _ arguments: [String], environment: [String: String] = [:], status: Int32, _ parts: String...,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let program = try Daemon.start(arguments, environment: environment)
        let errors = try program.errorOutput()
        #expect(try program.status() == status, sourceLocation: location)
        #expect(errors.hasPrefix("sluiced: "), sourceLocation: location)
        #expect(errors.hasSuffix("\n") && errors.count { $0.isNewline } == 1, sourceLocation: location)
        for part in parts { #expect(errors.contains(part), sourceLocation: location) }
    }

    @Test("A port in use is an error of one line")
    func aPortInUseIsAnError() throws {
        let daemon = try Daemon()
        let address = "127.0.0.1:\(try daemon.port)"
        try expectRefusal(["--listen", address], status: 69, address, "Address already in use")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A socket path in use is an error of one line")
    func aPathInUseIsAnError() throws {
        let path = temporaryPath("taken.sock")
        let daemon = try Daemon(["--listen", "unix:\(path)"])
        try expectRefusal(["--listen", "unix:\(path)"], status: 69, path, "Address already in use")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A socket path that cannot be created is an error that says why")
    func aPathThatCannotBeCreatedIsAnError() throws {
        try expectRefusal(
            ["--listen", "unix:/nonexistent/s"], status: 69, "/nonexistent/s",
            "the directory /nonexistent does not exist")
        try expectRefusal(
            ["--listen", "unix:/etc/passwd/s"], status: 69, "/etc/passwd/s", "/etc/passwd is not a directory")
        try expectRefusal(["--listen", "unix:/proc/s"], status: 69, "/proc/s", "cannot listen on")
        try expectRefusal(
            ["--listen", "unix:/dev/null"], status: 69, "/dev/null", "Address already in use", "by a device")
        try expectRefusal(["--listen", "unix:/etc/passwd"], status: 69, "/etc/passwd", "by a regular file")
        try expectRefusal(["--listen", "unix:/etc"], status: 69, "by a directory")
    }

    @Test("An address of another machine is an error of one line")
    func aForeignAddressIsAnError() throws {
        try expectRefusal(
            ["--listen", "127.0.0.1:0", "--listen", "192.0.2.1:0", "--allow-public"], status: 69, "192.0.2.1")
    }

    @Test("An unknown host is an error of one line")
    func anUnknownHostIsAnError() throws {
        try expectRefusal(["--listen", "no-such-host.invalid:1", "--allow-public"], status: 69, "no-such-host.invalid")
    }

    @Test("A bad flag is an error of one line")
    func aBadFlagIsAnError() throws {
        try expectRefusal(["--lisen", "x"], status: 64, "--lisen", "--listen")
        try expectRefusal(["--listen", "nonsense"], status: 64, "nonsense")
    }

    @Test("A configuration file that cannot be read is an error of one line")
    func aBadFileIsAnError() throws {
        try expectRefusal(["--config", "/nonexistent.yaml"], status: 66, "/nonexistent.yaml")
        try expectRefusal(["--config", "/"], status: 66, "/")
        try expectRefusal(["--config", "/dev/zero"], status: 66, "/dev/zero", "not a regular file")
        let pipe = temporaryPath("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        try expectRefusal(["--config", pipe], status: 66, pipe, "not a regular file")
        try expectRefusal([], environment: ["SLUICED_USERS_FILE": pipe], status: 66, pipe)
    }

    @Test("A misspelt environment variable is an error that suggests the right one")
    func aMisspeltVariableIsAnError() throws {
        try expectRefusal(
            [], environment: ["SLUICED_LOG_LEVLE": "info"], status: 78, "SLUICED_LOG_LEVLE", "SLUICED_LOG_LEVEL")
    }

    @Test("The help lists the exit statuses and the signals")
    func theHelpListsStatuses() throws {
        let program = try Daemon.start(["--help"])
        let help = try program.rest()
        for status in ["64", "66", "69", "71", "74", "77", "78"] { #expect(help.contains(status)) }
        for signal in ["SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGHUP"] { #expect(help.contains(signal)) }
        #expect(try program.status() == 0)
    }

    @Test("An unknown key is an error of one line")
    func anUnknownKeyIsAnError() throws {
        let path = temporaryPath("unknown.yaml")
        try Data("listen: 127.0.0.1:0\nlog-levle: debug\n".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try expectRefusal(["--config", path], status: 78, "\(path):2", "log-levle", "log-level")
    }

    @Test("A bad environment variable is an error of one line")
    func aBadVariableIsAnError() throws {
        try expectRefusal([], environment: ["SLUICED_LOG_LEVEL": "loud"], status: 78, "SLUICED_LOG_LEVEL")
    }

    @Test("The settings of the configuration file take effect")
    func theConfigurationFileIsUsed() throws {
        let path = temporaryPath("settings.yaml")
        try Data("listen: 127.0.0.1:0\nlimits:\n  line-bytes: 600\n  connections: 1\n".utf8)
            .write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let daemon = try Daemon(["--config", path])
        let first = try daemon.netcat()
        try first.say("hello\n")
        #expect(try first.line()?.contains("max-line=600") == true)
        #expect(try daemon.conversation("") == "ERR limit the server accepts at most 1 connections\n")
        try daemon.expectEnd(after: SIGTERM)
    }
}
