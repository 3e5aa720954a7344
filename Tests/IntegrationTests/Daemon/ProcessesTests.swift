import Foundation
import TestSupport
import Testing

/// The built-in processes of a running daemon, configured in its file and used through netcat.
@Suite(.serialized, .bounded) struct ProcessesTests {
    private static let configuration = """
        listen: 127.0.0.1:0
        processes:
          - ticker: {to: ticks, every: 20ms}
          - delay: {from: now, to: later, by: 50ms}
          - echo: {from: questions, to: answers}
          - merge: {from: [web, mail], to: orders}
          - split: {from: work, to: [worker-1, worker-2]}
          - broadcast: {from: news, to: [screen, printer]}
          - filter: {from: log, to: alarms, prefix: "ERROR "}
          - rate-limit: {name: throttle, from: outbox, to: mailer, every: 50ms}
          - sieve: {to: primes, up-to: 10}

        """

    /// Runs `body` with a daemon that has this configuration.
    private func withDaemon(_ body: (Daemon) throws -> Void) throws {
        let path = temporaryPath("processes.yaml")
        try Data(Self.configuration.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let daemon = try Daemon(["--config", path])
        try body(daemon)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("Every kind of process does its work")
    func everyProcessDoesItsWork() throws {
        try withDaemon { daemon in
            let receive = { (channel: String) in try daemon.conversation("recv \(channel)\nquit\n") }
            let ticks = try daemon.conversation("recv ticks\nrecv ticks\nquit\n").split(separator: "\n")
            #expect(ticks.count == 5)
            #expect(try #require(Int(ticks[1])) < #require(Int(ticks[3])))

            let sender = try daemon.netcat()
            try sender.say("#1 send now 1\n#2 send questions 2\n#3 send web 3\n#4 send mail 4\n")
            #expect(try receive("later") == "MSG later 1\n1\nOK\n")
            #expect(try sender.line() == "#1 OK")
            #expect(try receive("answers") == "MSG answers 1\n2\nOK\n")
            #expect(try sender.line() == "#2 OK")
            for number in 3...4 {
                #expect(try receive("orders") == "MSG orders 1\n\(number)\nOK\n")
                #expect(try sender.line() == "#\(number) OK")
            }

            try sender.say("#5 send work 5\n#6 send work 6\n#7 send news 7\n")
            for number in 5...6 {
                #expect(try receive("worker-\(number - 4)") == "MSG worker-\(number - 4) 1\n\(number)\nOK\n")
                #expect(try sender.line() == "#\(number) OK")
            }
            for channel in ["printer", "screen"] { #expect(try receive(channel) == "MSG \(channel) 1\n7\nOK\n") }
            #expect(try sender.line() == "#7 OK")

            try sender.say("send log all is well\nsend log ERROR 8\n")
            #expect(try sender.line() == "OK")
            #expect(try receive("alarms") == "MSG alarms 7\nERROR 8\nOK\n")
            #expect(try sender.line() == "OK")
            let start = ContinuousClock.now
            try sender.say("#9 send outbox 9\n#10 send outbox 10\n")
            #expect(try receive("mailer") == "MSG mailer 1\n9\nOK\n")
            #expect(try receive("mailer") == "MSG mailer 2\n10\nOK\n")
            #expect(ContinuousClock.now - start >= .milliseconds(50))

            let primes = [2, 3, 5, 7, 2].map { "MSG primes 1\n\($0)\n" }.joined()
            #expect(try daemon.conversation(String(repeating: "recv primes\n", count: 5) + "quit\n") == primes + "OK\n")
        }
    }

    @Test("A failed process is logged and appears in INFO")
    func aFailureIsLoggedAndReported() throws {
        try withDaemon { daemon in
            #expect(try daemon.conversation("poison questions main\u{1B}[31mtenance\nquit\n") == "OK\nOK\n")
            let info = try daemon.conversation("info\nquit\n")
            for name in [
                "ticker:ticks", "delay:now", "merge:web", "split:work", "broadcast:news", "filter:log", "throttle",
                "sieve:primes",
            ] {
                #expect(info.contains(try Regex("\n\(name) +[a-z-]+ +running ")))
            }
            #expect(info.contains(#/\necho:questions +echo +.*'questions' was poisoned: main.*tenance/#))
            #expect(try daemon.conversation("clients\nquit\n").contains("throttle"))
            daemon.program.send(signal: SIGTERM)
            let log = try daemon.program.errorOutput()
            #expect(log.contains("warning"))
            #expect(log.contains("process=echo:questions"))
            #expect(log.contains("channel 'questions' was poisoned: main"))
            #expect(!log.contains("\u{1B}"))
        }
    }

    @Test("A bad process in the configuration file is an error with its line")
    func aBadProcessIsAnError() throws {
        let path = temporaryPath("no-processes.yaml")
        try Data("processes:\n  - ticker: {to: ticks, every: never}\n".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let program = try Daemon.start(["--listen", "127.0.0.1:0", "--config", path])
        let errors = try program.errorOutput()
        #expect(try program.status() == 78)
        #expect(errors.hasPrefix("sluiced: \(path):2: processes: ticker: every: \"never\" is not a duration; "))
    }
}
