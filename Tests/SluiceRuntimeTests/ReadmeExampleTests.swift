import Foundation
import SluiceRuntime
import TestSupport
import Testing

/// Runs the program that the README shows for `SluiceRuntime`.
@Suite(.bounded) struct ReadmeExampleTests {
    @Test("The README's program runs") func programRuns() throws {
        try ReadmeExample.run()
    }

    @Test("The README shows this program") func readmeShowsProgram() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let readme = tests.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("README.md")
        let source = try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8)
        let text = try String(contentsOf: readme, encoding: .utf8)
        let blocks = text.matches(of: #/```swift\n((?s:.*?))```/#).map { block in
            block.1.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n")
        }
        #expect(blocks.contains { source.contains($0) })
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
