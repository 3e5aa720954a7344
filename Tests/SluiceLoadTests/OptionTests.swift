import Testing

@testable import sluice_load

@Suite("Options")
struct OptionTests {
    @Test(
        "that are wrong are one line",
        arguments: [
            ["nonsense"], ["handoff", "--pairs", "0"], ["handoff", "--duration", "0"], ["handoff", "--body", "7"],
            ["handoff", "--rate", "-1"], ["handoff", "--depth", "0"], ["handoff", "--depth", "1025"],
            ["handoff", "--threads", "0"], ["handoff", "--operations", "5", "--warm-up", "1s"],
            ["handoff", "--channels", "both"], ["handoff", "--against", "kafka"], ["broadcast", "--against", "redis"],
            ["barrier", "--against", "nats"], ["ping", "--against", "beanstalkd"], ["ping", "--connections", "0"],
            ["select", "--arms", "65"], ["select", "--against", "redis"],
            ["fan-in", "--senders", "0"], ["fan-out", "--receivers", "0"], ["connect", "--rate", "5"],
            ["barrier", "--depth", "2"], ["soak", "--operations", "10"], ["crowd", "--against", "redis"],
            ["handoff", "--json", "-", "--csv", "-"], ["compare", "--only", "everything"],
            ["compare", "--rounds", "0"],
        ])
    func wrong(arguments: [String]) {
        do throws(UsageError) {
            _ = try Root.parsing(arguments)
            Issue.record("that was taken")
        } catch {
            #expect(!error.message.contains("\n"))
        }
    }

    @Test("say who takes part")
    func plans() throws {
        let shared = try plan(HandoffCommand.self, ["handoff", "--pairs", "7", "--channels", "shared"])
        #expect(shared.senders == 7 && shared.receivers == 7 && shared.channels == 1)
        let stream = try plan(StreamCommand.self, ["stream"])
        #expect(stream.senders == 1 && stream.depth == 256 && stream.bodyBytes == 64)
        let select = try plan(SelectCommand.self, ["select", "--receivers", "2", "--arms", "3"])
        #expect(select.senders == 6 && select.receivers == 2 && select.channels == 6)
        let ping = try plan(PingCommand.self, ["ping", "--depth", "2", "--threads", "64", "--connections", "3"])
        #expect(ping.senders == 3 && ping.depth == 2 && ping.threads == 3)
    }

    @Test("a warm-up is a tenth, if nothing is said")
    func lengths() throws {
        #expect(try plan(PingCommand.self, ["ping"]).length == .time(seconds: 10, warmUpSeconds: 1))
        #expect(
            try plan(PingCommand.self, ["ping", "--duration", "500ms", "--warm-up", "0"]).length
                == .time(seconds: 0.5, warmUpSeconds: 0))
        #expect(try plan(PingCommand.self, ["ping", "--operations", "9"]).length == .operations(9))
    }

    private func plan<Command: WorkloadCommand>(_ type: Command.Type, _ arguments: [String]) throws -> Plan {
        let command = try #require(try Root.parsing(arguments + ["--hub", "127.0.0.1:1"]) as? Command)
        return try command.plan()
    }

    @Test("times have units")
    func times() {
        let times = [("2", 2), ("0.5", 0.5), ("250ms", 0.25), ("3s", 3), ("2m", 120), ("1h", 3600)]
        for (text, value) in times { #expect(Seconds(argument: text)?.value == value) }
        for wrong in ["", "x", "-1", "1d", "nan", "inf"] { #expect(Seconds(argument: wrong) == nil) }
    }

    @Test("addresses are a host and a port, or a path")
    func addresses() throws {
        for text in ["127.0.0.1:7333", "[::1]:7333", "localhost:80", "unix:/tmp/x"] { _ = try ServerAddress(text) }
        for wrong in ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "unix:"] {
            #expect(throws: LoadFailure.self) { try ServerAddress(wrong) }
        }
    }

    @Test("targets are reached by the medians")
    func targets() {
        func row(_ first: [Double], _ p99: Int, isHigherBetter: Bool, _ wanted: WantedRatio) -> Bool {
            func entry(_ values: [Double], _ p99: Int) -> ComparisonEntry {
                ComparisonEntry(
                    contender: "x", manner: "", values: values, p99Nanoseconds: [p99], serverNanoseconds: [])
            }
            return ComparisonRow(
                title: "", unit: "", isHigherBetter: isHigherBetter,
                entries: [entry(first, p99), entry([10, 1000, 10], 50)],
                wanted: [wanted]
            ).isReached
        }
        let twice = WantedRatio(against: 1, ratio: 2, needsLowerP99: true)
        #expect(row([1, 20, 21], 49, isHigherBetter: true, twice))
        #expect(!row([1, 19, 21], 49, isHigherBetter: true, twice))
        #expect(!row([1, 20, 21], 50, isHigherBetter: true, twice))
        let half = WantedRatio(against: 1, ratio: 0.5, needsLowerP99: false)
        #expect(row([5], 1, isHigherBetter: false, half))
        #expect(!row([6], 1, isHigherBetter: false, half))
    }
}
