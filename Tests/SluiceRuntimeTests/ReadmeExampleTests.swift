import Foundation
import SluiceRuntime
import Testing

/// The program in the README is the one that runs here.
@Suite(.timeLimit(.minutes(10))) struct ReadmeExampleTests {
    @Test func itRuns() throws {
        try ReadmeExample.run()
    }

    @Test func itIsShownInTheReadme() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let readme = tests.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("README.md")
        let source = try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8)
        let text = try String(contentsOf: readme, encoding: .utf8)
        let shown = try #require(text.firstMatch(of: #/```swift\n((?s:.*?))```/#))
        let lines = shown.1.split(separator: "\n").map { "        " + $0 }
        #expect(source.contains(lines.joined(separator: "\n")))
    }
}

private enum ReadmeExample {
    static func run() throws {
        let reactor = try Reactor()
        try reactor.run {
            let jobs = Channel<String>(name: "jobs")
            let lengths = Channel<Int>(name: "lengths")
            reactor.spawn("worker") {
                for try await job in jobs { try await lengths.send(job.count) }
            }
            try await jobs.send("sweep the yard")
            let news = try await select {
                lengths.receiving { "a job of \($0 ?? 0) letters" }
                after(.seconds(1)) { "nothing for a second" }
            }
            print(news)
            jobs.close()
        }
    }
}
