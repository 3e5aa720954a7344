import Testing

@testable import sluice_load

@Suite("Options")
struct OptionTests {
    @Test(
        "An invalid command line gives an error of one line",
        arguments: [
            ["nonsense"], ["handoff", "--pairs", "0"], ["handoff", "--duration", "0"], ["handoff", "--body", "7"],
            ["handoff", "--rate", "-1"], ["handoff", "--depth", "0"], ["handoff", "--depth", "1025"],
            ["handoff", "--threads", "0"], ["handoff", "--operations", "5", "--warm-up", "1s"],
            ["handoff", "--channels", "both"], ["handoff", "--against", "kafka"], ["broadcast", "--against", "redis"],
            ["barrier", "--against", "nats"], ["ping", "--against", "beanstalkd"], ["ping", "--connections", "0"],
            ["select", "--arms", "65"], ["select", "--against", "redis"],
            ["fan-in", "--senders", "0"], ["fan-out", "--receivers", "0"], ["connect", "--rate", "5"],
            ["barrier", "--depth", "2"], ["soak", "--operations", "10"], ["crowd", "--against", "redis"],
            ["handoff", "--json", "-", "--csv", "-"], ["compare", "--only", "everything"], ["worker", "--pairs", "0"],
            ["compare", "--only", "unix", "workers"],
            ["compare", "--rounds", "0"],
        ])
    func wrong(arguments: [String]) {
        do throws(UsageError) {
            _ = try SluiceLoadCommand.parsing(arguments)
            Issue.record("the command line was accepted")
        } catch {
            #expect(!error.message.contains("\n"))
        }
    }

    @Test("Options set the number of senders, receivers and channels")
    func plans() throws {
        let shared = try plan(MeasureHandoff.self, ["handoff", "--pairs", "7", "--channels", "shared"])
        #expect(shared.senders == 7 && shared.receivers == 7 && shared.channels == 1)
        let worker = try plan(MeasureWorker.self, ["worker", "--depth", "3"])
        #expect(worker.workload == .worker && worker.senders == 50 && worker.receivers == 50 && worker.channels == 50)
        #expect(worker.depth == 3 && worker.bodyBytes == 16)
        let stream = try plan(MeasureStream.self, ["stream"])
        #expect(stream.senders == 1 && stream.depth == 256 && stream.bodyBytes == 64)
        let select = try plan(MeasureSelect.self, ["select", "--receivers", "2", "--arms", "3"])
        #expect(select.senders == 6 && select.receivers == 2 && select.channels == 6)
        let ping = try plan(MeasurePing.self, ["ping", "--depth", "2", "--threads", "64", "--connections", "3"])
        #expect(ping.senders == 3 && ping.depth == 2 && ping.threads == 3)
    }

    @Test("The warm-up takes a tenth of the duration by default")
    func lengths() throws {
        #expect(try plan(MeasurePing.self, ["ping"]).length == .time(seconds: 10, warmUpSeconds: 1))
        #expect(
            try plan(MeasurePing.self, ["ping", "--duration", "500ms", "--warm-up", "0"]).length
                == .time(seconds: 0.5, warmUpSeconds: 0))
        #expect(try plan(MeasurePing.self, ["ping", "--operations", "9"]).length == .operations(9))
    }

    private func plan<Command: WorkloadCommand>(_ type: Command.Type, _ arguments: [String]) throws -> RunPlan {
        let command = try #require(try SluiceLoadCommand.parsing(arguments + ["--hub", "127.0.0.1:1"]) as? Command)
        return try command.plan()
    }

    @Test("Times have units")
    func times() {
        let times = [("2", 2), ("0.5", 0.5), ("250ms", 0.25), ("3s", 3), ("2m", 120), ("1h", 3600)]
        for (text, value) in times { #expect(Seconds(argument: text)?.value == value) }
        for wrong in ["", "x", "-1", "1d", "nan", "inf"] { #expect(Seconds(argument: wrong) == nil) }
    }

    @Test("An address is a host and a port, or the path of a Unix socket")
    func addresses() throws {
        for text in ["127.0.0.1:7333", "[::1]:7333", "localhost:80", "unix:/tmp/x"] { _ = try ServerAddress(text) }
        for wrong in ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "unix:"] {
            #expect(throws: LoadFailure.self) { try ServerAddress(wrong) }
        }
    }

    @Test("Targets are compared with the medians")
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
