import Foundation
import Logging
import SluiceWire
import SluiceHub
import Testing

@testable import sluiced

@Suite struct LogTests {
    private let record = LogRecord(
        level: .notice, message: "channel poisoned",
        fields: [("client", "192.0.2.1:5"), ("reason", "x client=192.0.2.9:1 \"\n\u{9B}\u{202E}")], time: 1_000_000.5)

    @Test("A line of text has the time, the level, the fields and the message")
    func text() {
        let line = String(decoding: record.line(.text), as: UTF8.self)
        #expect(line.contains(#/^1970-01-1\dT\d\d:\d\d:\d\d[+-]\d{4} notice sluiced: client=192\.0\.2\.1:5 reason="/#))
        #expect(line.hasSuffix(" [sluiced] channel poisoned\n"))
    }

    @Test("A client's text can forge no line, no field and no control character")
    func injection() {
        for format in LogFormat.allCases {
            let line = String(decoding: record.line(format), as: UTF8.self)
            #expect(line.count { $0.isNewline } == 1)
            #expect(!line.unicodeScalars.dropLast().contains { $0.actsOnTerminal })
        }
        let text = String(decoding: record.line(.text), as: UTF8.self)
        #expect(text.contains(#"reason="x client=192.0.2.9:1 \"\u000a\u009b\u202e""#))
    }

    @Test("A line of JSON is an object")
    func json() throws {
        let object = try JSONSerialization.jsonObject(with: Data(record.line(.json))) as? [String: String]
        #expect(
            object == [
                "time": "1970-01-12T13:46:40.500Z", "level": "notice", "message": "channel poisoned",
                "client": "192.0.2.1:5", "reason": "x client=192.0.2.9:1 \"\n\u{9B}\u{202E}",
            ])
    }

    // MARK: Limits

    private let key = LogLimiter.Key(kind: "connection closed: refused", origin: "192.0.2.1")

    @Test("Of one kind about one address, few lines are written in a minute, and the others are counted")
    func linesAreLimited() {
        var limiter = LogLimiter()
        let admitted = (0..<609).count { _ in limiter.admits(key, at: 10) }
        #expect(admitted == LogLimiter.linesPerWindow)
        let others = [
            limiter.admits(LogLimiter.Key(kind: key.kind, origin: "192.0.2.2"), at: 10),
            limiter.admits(LogLimiter.Key(kind: "authenticated", origin: key.origin), at: 10),
        ]
        #expect(others == [true, true])
        let early = limiter.takeEnded(at: LogLimiter.windowNanoseconds)
        #expect(early.isEmpty)
        let ended = limiter.takeEnded(at: 10 + LogLimiter.windowNanoseconds)
        #expect(ended.map(\.key) == [key] && ended.map(\.leftOut) == [609 - LogLimiter.linesPerWindow])
        let again = limiter.admits(key, at: 20 + LogLimiter.windowNanoseconds)
        #expect(again)
    }

    @Test("Any number of addresses takes bounded memory, and a bounded number of lines")
    func addressesAreBounded() {
        var limiter = LogLimiter()
        let admitted = (0..<100_000).count { number in
            limiter.admits(LogLimiter.Key(kind: "connection closed: refused", origin: "\(number)"), at: 0)
        }
        #expect(admitted <= LogLimiter.maxKeys + LogLimiter.linesPerWindow)
        let leftOut = limiter.takeEnded(at: .max).reduce(0) { $0 + $1.leftOut }
        #expect(admitted + leftOut == 100_000)
    }

    @Test("The key of an event is written once, and any number of addresses takes bounded memory")
    func keysAreWrittenOnce() {
        var (keys, written) = (LimitedKeys(), 0)
        for round in 0..<2 {
            for number in 0..<UInt32(LogLimiter.maxKeys) {
                let event = LimitedEvent(message: "m", detail: nil, origin: .client(.ipv4(number)))
                _ = keys.key(of: event) {
                    written += 1
                    return LogLimiter.Key(kind: "m", origin: "\(number)")
                }
            }
            #expect(written == LogLimiter.maxKeys, "round \(round)")
        }
        for number in 0..<100_000 {
            let event = LimitedEvent(message: "m", detail: nil, origin: .address("\(number)"))
            let key = keys.key(of: event) { LogLimiter.Key(kind: "m", origin: "\(number)") }
            #expect(key.origin == "\(number)")
        }
        #expect(keys.count <= LogLimiter.maxKeys)
    }

    @Test("Details can be shown for some time, and a reload shows the configured level again")
    func details() throws {
        let pipe = Pipe()
        let log = try DaemonLog(level: .notice, format: .json, to: pipe.fileHandleForWriting.fileDescriptor)
        log.write(.debug, "1")
        #expect(log.showDetails(true) == .debug)
        log.write(.debug, "2")
        #expect(log.showDetails(false) == .notice)
        log.write(.debug, "3")
        #expect(log.showDetails(true) == .debug)
        log.change(level: .warning, format: .json)
        log.write(.debug, "4")
        log.write(.warning, "5")
        log.change(level: .trace, format: .json)
        #expect(log.showDetails(true) == .trace)
        log.flush(within: .seconds(10))
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(text.matches(of: #/"message":"(\d)"/#).map(\.1) == ["2", "5"])
    }

    // MARK: The queue

    /// A pipe whose buffer is full, and a queue that writes to it.
    private struct FullPipe {
        let (reading, writing): (Int32, Int32)
        let queue: OutputQueue

        init(capacity: Int) throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
            let flags = fcntl(writing, F_GETFL)
            _ = fcntl(writing, F_SETFL, flags | O_NONBLOCK)
            let block = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
            while write(writing, block, block.count) > 0 {}
            _ = fcntl(writing, F_SETFL, flags)
            queue = try OutputQueue(to: writing, capacity: capacity) { Array("dropped \($0)\n".utf8) }
        }
    }

    @Test("A pipe that nobody reads keeps nobody waiting, and the dropped lines are counted")
    func aFullPipeDropsLines() throws {
        let pipe = try FullPipe(capacity: 100)
        let line = Array("123456789\n".utf8)
        // The thread takes some lines and waits with them; more fit into the queue, and the rest is dropped.
        for _ in 0..<1000 { pipe.queue.append(line) }
        #expect(!pipe.queue.flush(within: .zero))
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while !String(decoding: text, as: UTF8.self).contains("dropped") {
            let count = read(pipe.reading, &block, block.count)
            text += block.prefix(max(0, count))
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let written = lines.count { $0 == "123456789" }
        let told =
            lines.filter { $0.hasPrefix("dropped ") }.compactMap { Int($0.dropFirst("dropped ".count)) }.first ?? 0
        #expect(written < 1000 && told > 0 && written + told <= 1000)
        pipe.queue.end()
    }

    @Test("A disk that is full drops lines, and does not stop the queue")
    func aFullDiskDropsLines() throws {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let queue = try OutputQueue(to: descriptor) { _ in [] }
        for _ in 0..<100 { queue.append(Array("x\n".utf8)) }
        #expect(queue.flush(within: .seconds(30)))
        queue.end()
    }

    @Test("Lines are written in order")
    func linesAreInOrder() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let queue = try OutputQueue(to: ends[1]) { _ in [] }
        for number in 0..<500 { queue.append(Array("\(number)\n".utf8)) }
        #expect(queue.flush(within: .seconds(30)))
        var block = [UInt8](repeating: 0, count: 65_536)
        let count = read(ends[0], &block, block.count)
        #expect(String(decoding: block.prefix(count), as: UTF8.self) == (0..<500).map { "\($0)\n" }.joined())
        queue.end()
    }
}
