import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct MonitorTests {
    private var milliseconds: UInt64 { 1_000_000 }

    @Test("A job that holds the loop is reported while it runs and when it ends")
    func aJobThatHoldsTheLoopIsReportedWhileItRunsAndOnceItHasEnded() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor(name: "loop")
        let monitor = LoopMonitor(watching: reactor) { reports.record($0) }
        try reactor.run {
            let task = reactor.spawn("busy") {
                for time: UInt64 in [0, 25, 99, 100, 125, 500] { monitor.sample(now: time * milliseconds) }
            }
            try await task.join()
            monitor.sample(now: 525 * milliseconds)
            monitor.sample(now: 550 * milliseconds)
        }
        #expect(
            reports.values == [
                BlockedLoop(reactor: "loop", task: "busy", duration: .milliseconds(100), hasEnded: false),
                BlockedLoop(reactor: "loop", task: "busy", duration: .milliseconds(525), hasEnded: true),
            ])
    }

    @Test("Short jobs are not reported")
    func jobsThatTakeTheirTurnsAreNotReported() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor()
        let monitor = LoopMonitor(watching: reactor) { reports.record($0) }
        try reactor.run {
            for turn in 0..<100 {
                monitor.sample(now: UInt64(turn) * 99 * milliseconds)
                await Task.yield()
            }
        }
        #expect(reports.values.isEmpty)
    }

    @Test("An idle loop is not reported")
    func anIdleLoopIsNotReported() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor()
        let monitor = LoopMonitor(watching: reactor) { reports.record($0) }
        for time: UInt64 in 0..<100 { monitor.sample(now: time * 1000 * milliseconds) }
        try reactor.run {}
        for time: UInt64 in 100..<200 { monitor.sample(now: time * 1000 * milliseconds) }
        #expect(reports.values.isEmpty)
    }

    @Test("A report names the task after a wait too")
    func aTaskIsNamedAfterAWaitToo() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor()
        let monitor = LoopMonitor(watching: reactor) { reports.record($0) }
        try reactor.run {
            let channel = Channel<Int>()
            let task = reactor.spawn("woken") {
                _ = try await channel.receive()
                monitor.sample(now: 0)
                monitor.sample(now: 100 * milliseconds)
            }
            try await parked(task)
            try await channel.send(1)
            try await task.join()
        }
        #expect(reports.values.map(\.task) == ["woken"])
    }

    @Test("A task without a name is reported without one")
    func aTaskWithoutANameIsReportedWithoutOne() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor()
        let monitor = LoopMonitor(watching: reactor) { reports.record($0) }
        try reactor.run("") {
            monitor.sample(now: 0)
            monitor.sample(now: 100 * milliseconds)
        }
        #expect(reports.values.map(\.task) == [nil])
    }

    @Test("The monitor's thread notices a job that holds the loop")
    func itsThreadSeesAJobThatHoldsTheLoop() throws {
        let reports = Recorder<BlockedLoop>()
        let reactor = try Reactor()
        let monitor = LoopMonitor(watching: reactor, threshold: .milliseconds(4)) { reports.record($0) }
        try monitor.start()
        #expect(throws: SluiceError.self) { try monitor.start() }
        // The loop is held for exactly as long as the monitor needs to notice it.
        try reactor.run("stuck") { #expect(spin { reports.values.contains { !$0.hasEnded } }) }
        #expect(reports.values.first?.task == "stuck")
        #expect((reports.values.first?.duration ?? .zero) >= .milliseconds(4))
        monitor.stop()
        monitor.stop()
        try monitor.start()
        monitor.stop()
    }

    @Test("A monitor does not keep its reactor alive")
    func aMonitorDoesNotKeepItsReactorAlive() throws {
        var reactor: Reactor? = try Reactor()
        let progress = try #require(reactor?.progress)
        let monitor = LoopMonitor(watching: try #require(reactor)) { _ in }
        try monitor.start()
        reactor = nil
        #expect(progress.hasEnded)
        monitor.stop()
    }

    @Test("A task does not end while its name is read")
    func aTaskDoesNotEndWhileItsNameIsRead() throws {
        let reactor = try Reactor()
        let progress = reactor.progress
        let steps = Recorder<String>()
        try reactor.run {
            let task = reactor.spawn("ending") {
                guard let job = progress.currentJob else { return }
                onOwnThread {
                    let name = progress.taskName(ofJob: job) { record in
                        steps.record("reading")
                        // The task is about to end, and would end during this loop.
                        #expect(spin { progress.runningTask == nil })
                        let hasEnded = (0..<10_000).contains { _ in record.hasEnded }
                        return hasEnded ? "ended too early" : record.name
                    }
                    steps.record(name ?? "no name")
                }
                #expect(spin { !steps.values.isEmpty })
            }
            try await task.join()
            try await until("the name was read") { steps.values.count == 2 }
        }
        #expect(steps.values == ["reading", "ending"])
    }

    /// For ThreadSanitizer and AddressSanitizer.
    @Test("Names can be read while tasks come and go")
    func namesAreReadWhileTasksComeAndGo() throws {
        let reactor = try Reactor()
        let names = Recorder<String>()
        let progress = reactor.progress
        onOwnThread {
            let hasEnded = spin {
                if let job = progress.currentJob, let name = progress.taskName(ofJob: job),
                    !name.hasPrefix("a name too long to lie in the string itself, ")
                {
                    names.record(name)
                }
                return progress.hasEnded
            }
            #expect(hasEnded)
        }
        try reactor.run("a name too long to lie in the string itself, main") {
            for round in 0..<3000 {
                // Nothing refers to the task, so its record is freed the moment it ends.
                reactor.spawn("a name too long to lie in the string itself, \(round)") { await Task.yield() }
                await Task.yield()
            }
        }
        #expect(names.values.isEmpty)
    }
}
