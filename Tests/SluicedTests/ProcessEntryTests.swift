import SluiceHub
import Testing

@testable import sluiced

@Suite struct ProcessEntryTests {
    @Test("The configuration file can start every kind of process")
    func everyKind() throws {
        let file = try SettingsFile(
            path: "s.yaml",
            text: """
                processes:
                  - ticker: {to: ticks, every: 250ms}
                  - delay: {from: a, to: b, by: 5s}
                  - echo: {from: a, to: b}
                  - merge:
                      from: [a, b]
                      to: c
                  - split: {from: a, to: [b, c]}
                  - broadcast:
                      from: a
                      to:
                        - b
                        - c
                  - filter: {from: a, to: b, prefix: "job: "}
                  - rate-limit: {from: a, to: b, every: 2m}
                  - sieve: {to: primes}
                """)
        let works: [BuiltInProcess.Work] = [
            .ticker(to: "ticks", every: .milliseconds(250)), .delay(from: "a", to: "b", by: .seconds(5)),
            .echo(from: "a", to: "b"), .merge(from: ["a", "b"], to: "c"), .split(from: "a", to: ["b", "c"]),
            .broadcast(from: "a", to: ["b", "c"]), .filter(from: "a", to: "b", prefix: Array("job: ".utf8)),
            .rateLimit(from: "a", to: "b", every: .seconds(120)), .sieve(to: "primes", upTo: 1_000_000),
        ]
        #expect(file.processes.map(\.work) == works)
        #expect(Set(works.map(\.kind)) == Set(BuiltInProcess.Kind.allCases))
    }

    @Test(
        "The list of processes can be empty",
        arguments: ["processes:", "processes: []", "processes:\n  # - echo: {from: a, to: b}\n"])
    func nothing(text: String) throws {
        #expect(try SettingsFile(path: "s.yaml", text: text).processes.isEmpty)
    }

    @Test(
        "A process takes optional keys, a name, and one channel without a list",
        arguments: [
            ("sieve: {to: p, up-to: 100, name: demo}", BuiltInProcess.Work.sieve(to: "p", upTo: 100), "demo"),
            ("merge: {from: a, to: b}", .merge(from: ["a"], to: "b"), "merge:a"),
            ("split: {from: 1, to: 2}", .split(from: "1", to: ["2"]), "split:1"),
            ("filter: {from: a, to: b, prefix: \"\"}", .filter(from: "a", to: "b", prefix: []), "filter:a"),
            ("filter: {from: a, to: b, prefix: 007}", .filter(from: "a", to: "b", prefix: [48, 48, 55]), "filter:a"),
            ("filter: {from: a, to: b, prefix: é}", .filter(from: "a", to: "b", prefix: [0xC3, 0xA9]), "filter:a"),
        ])
    func variants(text: String, work: BuiltInProcess.Work, name: String) throws {
        let processes = try SettingsFile(path: "s.yaml", text: "processes:\n  - \(text)").processes
        #expect(processes == [try BuiltInProcess(work, name: name)])
    }

    @Test(
        "A mistake in a process gives an error with its line",
        arguments: [
            ("processes: ticker", "1: processes: it takes a list with one process per item"),
            ("processes:\n  echo: {}", "2: processes: it takes a list with one process per item"),
            (
                "processes:\n- ticker",
                "2: processes: write each process as KIND: {KEY: VALUE, …}, as in ticker: {to: ticks, every: 1s}"
            ),
            (
                "processes:\n- echo: {from: a, to: b}\n- {}",
                "3: processes: write each process as KIND: {KEY: VALUE, …}, as in ticker: {to: ticks, every: 1s}"
            ),
            (
                "processes:\n- echo:\n  from: a\n  to: b",
                "2: processes: echo: write its keys after it in braces, or below it with deeper indentation"
            ),
            (
                "processes:\n- echo: a",
                "2: processes: echo: write its keys after it in braces, or below it with deeper indentation"
            ),
            ("processes:\n- tiker: {}", "2: processes: unknown process \"tiker\"; did you mean \"ticker\"?"),
            (
                "processes:\n- rate_limit: {}",
                "2: processes: unknown process \"rate_limit\"; did you mean \"rate-limit\"?"
            ),
            (
                "processes:\n- cron: {}",
                "2: processes: unknown process \"cron\"; the processes are ticker, delay, echo, merge, split, "
                    + "broadcast, filter, rate-limit, sieve"
            ),
            ("processes:\n- echo: {from: a}", "2: processes: echo: the key \"to\" is missing"),
            ("processes:\n- sieve: {}", "2: processes: sieve: the key \"to\" is missing"),
            (
                "processes:\n- ticker:\n    to: a\n    evry: 1s",
                "4: processes: ticker: unknown key \"evry\"; did you mean \"every\"?"
            ),
            (
                "processes:\n- echo: {from: a, to: b, prefix: c}",
                "2: processes: echo: unknown key \"prefix\"; the keys are from, to, name"
            ),
            ("processes:\n- echo:\n    from: a\n    to:", "4: processes: echo: to: it has no value"),
            ("processes:\n- merge: {from: [], to: b}", "2: processes: merge: from: the list is empty"),
            (
                "processes:\n- merge: {from: [~], to: b}",
                "2: processes: merge: from: its list must contain plain values only"
            ),
            ("processes:\n- merge: {from: {a: b}, to: b}", "2: processes: merge: from: it takes a value, not keys"),
            ("processes:\n- echo: {from: [a], to: b}", "2: processes: echo: from: it takes one value, not a list"),
            (
                "processes:\n- echo:\n    from: a\n    to: b c",
                "4: processes: echo: to: \"b c\" is not a name; use 1 to 200 bytes of A-Z a-z 0-9 . _ : / -, not "
                    + "beginning with -"
            ),
            (
                "processes:\n- echo: {from: a, to: b, name: -}",
                "2: processes: echo: name: \"-\" is not a name; use 1 to 200 bytes of A-Z a-z 0-9 . _ : / -, not "
                    + "beginning with -"
            ),
            (
                "processes:\n- sieve:\n    to: a\n    up-to: 1",
                "4: processes: sieve: up-to: \"1\" is not a whole number from 2 to 1000000000"
            ),
            ("processes:\n- echo: {from: a, to: a}", "2: processes: echo: name each channel only once"),
            (
                "processes:\n- echo: {from: a, to: b}\n- echo: {from: a, to: c}",
                "3: processes: the process on line 2 has the name \"echo:a\" too; rename one of them"
            ),
            (
                "processes:\n- echo: {from: a, to: b, name: x}\n- split: {from: a, to: c, name: x}",
                "3: processes: the process on line 2 has the name \"x\" too; rename one of them"
            ),
        ])
    func wrong(text: String, message: String) {
        #expect(throws: SettingsError("s.yaml:\(message)", status: .configuration)) {
            try SettingsFile(path: "s.yaml", text: text)
        }
    }

    @Test(
        "A process takes only durations that the protocol takes",
        arguments: ["0", "0s", "1", "1 s", "1.5s", "-1s", "01s", "1d", "1S"])
    func badDuration(text: String) {
        let problem = "is not a duration; write a whole number and ms, s, m or h, from 1ms to 100 years"
        let expected = "s.yaml:2: processes: ticker: every: \(text.debugDescription) \(problem)"
        #expect(throws: SettingsError(expected, status: .configuration)) {
            try SettingsFile(path: "s.yaml", text: "processes:\n- ticker: {to: a, every: \"\(text)\"}")
        }
    }
}
