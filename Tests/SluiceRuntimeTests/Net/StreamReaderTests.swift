import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct StreamReaderTests {
    /// Runs `body` with a reader, and the stream whose writes it reads.
    private func withReader(_ body: @escaping @Sendable (StreamReader, Stream) async throws -> Void) throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            try await body(StreamReader(near), far)
        }
    }

    @Test("Lines end with a line feed, with a carriage return before it, or with the stream")
    func lines() throws {
        try withReader { reader, writer in
            try await writer.write("one\r\n\ntwo\rtwo\nthr".utf8)
            #expect(try await reader.readLine() == "one")
            #expect(try await reader.readLine() == "")
            #expect(try await reader.readLine() == "two\rtwo")
            try await writer.write("ee".utf8)
            writer.close()
            #expect(try await reader.readLine() == "three")
            #expect(try await reader.readLine() == nil)
            #expect(try await reader.readLine() == nil, "the end stays")
        }
    }

    @Test("A line that is too long is refused, whether its end has come or not", arguments: ["12345", "12345\n"])
    func longLines(_ text: String) throws {
        try withReader { reader, writer in
            try await writer.write("1234\n".utf8)
            #expect(try await reader.readLine(upTo: 4) == "1234")
            try await writer.write(text.utf8)
            let error = await failure { _ = try await reader.readLine(upTo: 4) }
            #expect(error?.code == .refused)
            #expect(error?.message.hasSuffix("has more than 4 bytes") == true)
        }
    }

    @Test("Counted bytes, lines and what is there can be read in turn")
    func mixed() throws {
        try withReader { reader, writer in
            try await writer.write("5\nhellorest".utf8)
            let count = try #require(Int(try await reader.readLine() ?? ""))
            #expect(String(decoding: try await reader.readExactly(count), as: UTF8.self) == "hello")
            #expect(try await reader.readExactly(0).isEmpty)
            #expect(try await reader.read(upTo: 2).map(Array.init) == Array("re".utf8))
            #expect(try await reader.read(upTo: 100).map(Array.init) == Array("st".utf8))
            try await writer.write("abc".utf8)
            writer.close()
            let error = await failure { _ = try await reader.readExactly(4) }
            #expect(error?.code == .closed)
            #expect(error?.message.hasSuffix("has ended its output after 3 of 4 bytes") == true)
            #expect(try await reader.readExactly(3).map { $0 } == Array("abc".utf8), "nothing was lost")
            #expect(try await reader.read(upTo: 1) == nil)
        }
    }

    @Test("A long input in small pieces is read completely")
    func pieces() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            reactor.spawn {
                let all = (0..<5000).map { "line \($0)\n" }.joined()
                var rest = Array(all.utf8)[...]
                while !rest.isEmpty {
                    try await far.write(Array(rest.prefix(777)))
                    rest = rest.dropFirst(777)
                }
                far.close()
            }
            let reader = StreamReader(near)
            var count = 0
            while let line = try await reader.readLine() {
                if line != "line \(count)" { Issue.record("line \(count) is '\(line)'") }
                count += 1
            }
            #expect(count == 5000)
        }
    }

    @Test("A read that times out keeps what has come")
    func timeout() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            try await far.write("hal".utf8)
            let task = reactor.spawn {
                let reader = StreamReader(near)
                let error = await failure { _ = try await reader.readLine(timeout: .seconds(1)) }
                #expect(error?.code == .timedOut)
                try await far.write("f\n".utf8)
                return try await reader.readLine()
            }
            try await parked(task)
            clock.advance(by: .seconds(1))
            #expect(try await task.join() == "half")
        }
    }
}
