import SluiceRuntime
import Synchronization
import Testing

@testable import sluiced

@Suite struct ServiceManagerTests {
    @Test(
        "A mistake in the variables of the service manager is an error that says what to do",
        arguments: [
            (
                ["NOTIFY_SOCKET": "vsock:2:1"],
                #"NOTIFY_SOCKET: "vsock:2:1" is neither a path nor an abstract name; write /PATH or @NAME"#
            ),
            (
                ["NOTIFY_SOCKET": "@"],
                #"NOTIFY_SOCKET: "@" is neither a path nor an abstract name; write /PATH or @NAME"#
            ),
            (
                ["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 107)],
                "NOTIFY_SOCKET: the address has 108 bytes; it must have at most 107"
            ),
            (
                ["NOTIFY_SOCKET": "/nonexistent/notify"],
                #"NOTIFY_SOCKET: cannot connect to "/nonexistent/notify": No such file or directory"#
            ),
            (["WATCHDOG_USEC": "soon"], #"WATCHDOG_USEC: "soon" is not a number of microseconds above 0"#),
            (["WATCHDOG_USEC": "0"], #"WATCHDOG_USEC: "0" is not a number of microseconds above 0"#),
            (
                ["WATCHDOG_USEC": "5", "WATCHDOG_PID": "me"],
                #"WATCHDOG_PID: "me" is not the number of a process"#
            ),
        ])
    func mistakes(environment: [String: String], expected: String) {
        do {
            _ = try ServiceManager(environment, process: 4242)
            Issue.record("the variables are accepted")
        } catch {
            #expect(error.message == expected)
        }
    }

    @Test("The watchdog is for the process that WATCHDOG_PID names, or for any if it is not set")
    func watchdog() throws {
        #expect(try ServiceManager(["WATCHDOG_USEC": "30000000"], process: 1).watchdogLimit == .seconds(30))
        let named = ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4242"]
        #expect(try ServiceManager(named, process: 4242).watchdogLimit == .seconds(30))
        #expect(try ServiceManager(named, process: 4243).watchdogLimit == nil)
        #expect(try ServiceManager([:]).watchdogLimit == nil)
    }

    @Test("Without a service manager, everything that it would be told is dropped")
    func absent() throws {
        let manager = try ServiceManager([:])
        manager.ready("serving")
        manager.reloading()
        manager.stopping(within: .seconds(1))
        manager.flush()
    }

    @Test("The watchdog gives a sign of life each time that all loops have turned, and none while one is stuck")
    func everyLoopMustTurn() {
        let beats = Lock(0)
        let watchdog = Watchdog(loops: 3) { beats.withLock { $0 += 1 } }
        for _ in 0..<10 {
            watchdog.loopTurns(0)
            watchdog.loopTurns(2)
        }
        #expect(beats.withLock { $0 } == 0)
        watchdog.loopTurns(1)
        #expect(beats.withLock { $0 } == 1)
        for loop in 0..<3 { watchdog.loopTurns(loop) }
        #expect(beats.withLock { $0 } == 2)
    }
}
