import SluiceHub
import SluiceWire
import Testing

@testable import SluiceWeb

/// The stream of the dashboard.
@Suite struct LiveTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    private func page(_ rows: String...) -> [UInt8] {
        Array("{\"channels\":[\(rows.joined(separator: ","))],\"omitted\":0}".utf8)
    }

    private func note(
        _ page: [UInt8], at time: Double, isLast: Bool = true, in changes: inout ChannelChanges
    ) -> String? {
        changes.note(page: page, at: time, isLast: isLast).map(text)
    }

    @Test("The rows of a report are found, whatever its texts contain")
    func rows() {
        let reason = #"} ] , \"name\":\"x\" \\"#
        let first = #"{"name":"a","reason":"\#(reason)","longestWaitSeconds":1.5e0,"state":"closed"}"#
        let second = #"{"longestWaitSeconds":2,"name":"b"}"#
        let rows = Array(ReportRows(page(first, second)))
        #expect(rows.map { text(Array($0.bytes)) } == [first, second])
        #expect(rows.map(\.name) == ["a", "b"])
        #expect(rows.map(\.longestWaitSeconds) == [1.5, 2])
        #expect(Array(ReportRows(page())).isEmpty)
        #expect(ReportRows(Array(#"{"channels":[{"name":"omitted"}],"omitted":17}"#.utf8)).omitted == 17)
        #expect(Array(ReportRows(Array(#"{"channels":[{"name":"cut"#.utf8))).isEmpty)
    }

    @Test("Only rows that have changed are passed on, and a longer wait alone is no change")
    func changes() {
        var changes = ChannelChanges()
        let quiet = #"{"name":"a","senders":0}"#
        func waiting(_ seconds: Double) -> String { #"{"longestWaitSeconds":\#(seconds),"name":"b","receivers":1}"# }
        #expect(
            note(page(quiet, waiting(1)), at: 10, in: &changes)
                == #"{"rows":[\#(quiet),\#(waiting(1))],"gone":[],"omitted":0}"#)
        #expect(note(page(quiet, waiting(2.1)), at: 11, in: &changes) == #"{"rows":[],"gone":[],"omitted":0}"#)
        // Another operation waits now.
        #expect(
            note(page(quiet, waiting(0.5)), at: 12, in: &changes)
                == #"{"rows":[\#(waiting(0.5))],"gone":[],"omitted":0}"#)
        let changed = #"{"name":"a","senders":1}"#
        #expect(note(page(changed), at: 13, in: &changes) == #"{"rows":[\#(changed)],"gone":["b"],"omitted":0}"#)
    }

    @Test("A small drift of the clocks never adds up to an unnoticed change")
    func drift() {
        var changes = ChannelChanges()
        func row(_ seconds: Double) -> [UInt8] { page(#"{"longestWaitSeconds":\#(seconds),"name":"b"}"#) }
        _ = changes.note(page: row(0), at: 0, isLast: true)
        // Each of these operations began 0.2 seconds after the one before.
        let sent = (1...10).filter { round in
            note(row(Double(round) * 0.8), at: Double(round), in: &changes)?.contains("name") == true
        }
        #expect(sent.count == 5)
    }

    @Test("Pages without changes are not sent, unless they are the last ones")
    func pages() {
        var changes = ChannelChanges()
        _ = changes.note(page: page(#"{"name":"a"}"#), at: 0, isLast: false)
        _ = changes.note(page: page(#"{"name":"b"}"#), at: 0, isLast: true)
        #expect(changes.note(page: page(#"{"name":"a"}"#), at: 1, isLast: false) == nil)
        #expect(changes.note(page: page(#"{"name":"b"}"#), at: 1, isLast: true) != nil)
        #expect(changes.heldBytes > 0)
    }

    @Test("Handoffs are counted by channel, up to a number in each round")
    func sample() {
        let tag = Tag("handoffs")
        var sample = HandoffSample()
        #expect(text(sample.begin()) == "#handoffs TRACE\n")
        #expect(sample.begin().isEmpty)
        let lines = [
            "1.5  jobs  14 B  a -> b", "... 3 handoffs not shown\n1.6  jobs  0 B  x (a) -> b", "2  other  1 B  a -> b",
        ]
        for line in lines { #expect(sample.receive(.data(Array(line.utf8)), tag: tag) == nil) }
        let counts = sample.take()
        #expect(counts == #"{"jobs":2,"other":1}"# || counts == #"{"other":1,"jobs":2}"#)
        for _ in 1..<HandoffSample.most { #expect(sample.receive(.data(Array(lines[0].utf8)), tag: tag) == nil) }
        let command = sample.receive(.data(Array(lines[0].utf8)), tag: tag)
        #expect(command.map(text) == "#end CANCEL #handoffs\n")
        _ = sample.receive(.cancelled(nil), tag: tag)
        #expect(sample.take() == #"{"jobs":\#(HandoffSample.most)}"#)
        #expect(text(sample.begin()) == "#handoffs TRACE\n")
        _ = sample.receive(.error(WireError(.denied, "no")), tag: tag)
        #expect(sample.take() == "null" && sample.begin().isEmpty)
    }

    @Test("A round takes all reports one after the other, and pauses for nine times as long as it took")
    func round() throws {
        var now: UInt64 = 0
        var stream = DashboardStream(clock: { now }, limits: { HubLimits() })
        #expect(text(stream.begin()) == "INFO format=json\n")
        #expect(events(stream.receive(empty, nil)) == ["event: info\ndata: {}\n\n"])
        #expect(text(stream.confirmed()) == "#name NAME dashboard\n#handoffs TRACE\nCHANNELS format=json\n")
        let more = Attributes([Attribute(.more, "a")].compactMap(\.self))
        #expect(events(stream.receive(.data(page(#"{"name":"a"}"#), more), nil))?.count == 1)
        #expect(text(stream.confirmed()) == "CHANNELS format=json after=a\n")
        _ = stream.receive(.data(page(#"{"name":"b"}"#)), nil)
        #expect(text(stream.confirmed()) == "WAITERS format=json limit=200\n")
        // A report that is denied is left out.
        guard case .command(let command) = stream.receive(denied, nil) else { return #expect(Bool(false)) }
        #expect(text(command) == "CLIENTS format=json limit=200\n")
        _ = stream.receive(empty, nil)
        #expect(text(stream.confirmed()) == "STUCK format=json limit=200\n")
        now = 500_000_000
        let last = try #require(events(stream.receive(empty, nil)))
        #expect(last.first == "event: stuck\ndata: {}\n\n")
        let round = #"event: round\#ndata: {"seconds":0.5,"handoffs":{},"limits":{"connections":"#
        #expect(last.last?.hasPrefix(round) == true)
        #expect(stream.pause == .milliseconds(4500) && stream.confirmed().isEmpty)
        #expect(text(stream.resume()) == "INFO format=json\n" && stream.pause == nil)
    }

    @Test("The first round takes all pages of the channels, and each later one continues with four pages")
    func manyChannels() throws {
        var stream = DashboardStream(clock: { 0 }, limits: { HubLimits() })
        let count = 10
        var next = 1
        /// Plays a round, and returns the numbers of the pages that it asks for.
        func pages(beginning command: [UInt8]) throws -> [Int] {
            var command = command
            var asked: [Int] = []
            while stream.pause == nil {
                var reply = empty
                if text(command).contains("CHANNELS") {
                    let after = try #require(text(command).firstMatch(of: #/CHANNELS format=json(?: after=p(\d+))?\n/#))
                        .1
                    next = (after.flatMap { Int($0) } ?? 0) + 1
                    asked.append(next)
                    let more = next < count ? [Attribute(.more, "p\(next)")].compactMap(\.self) : []
                    reply = .data(page(#"{"name":"p\#(next)"}"#), Attributes(more))
                }
                switch stream.receive(reply, nil) {
                case .command(let following): command = following
                default: command = stream.confirmed()
                }
            }
            return asked
        }
        #expect(try pages(beginning: stream.begin()) == Array(1...10))
        #expect(try pages(beginning: stream.resume()) == [1, 2, 3, 4])
        #expect(try pages(beginning: stream.resume()) == [5, 6, 7, 8])
        #expect(try pages(beginning: stream.resume()) == [9, 10])
        #expect(try pages(beginning: stream.resume()) == [1, 2, 3, 4])
    }

    @Test("A client without permissions asks for each report once in a round")
    func denials() {
        var stream = DashboardStream(clock: { 0 }, limits: { HubLimits() })
        _ = stream.begin()
        #expect(events(stream.receive(denied, nil)) == ["event: info\ndata: null\n\n"])
        _ = stream.confirmed()
        for _ in 0..<3 {
            guard case .command = stream.receive(denied, nil) else { return #expect(Bool(false)) }
        }
        #expect(events(stream.receive(denied, nil))?.count == 1)
        #expect(stream.pause != nil)
    }

    private let empty = Reply.data(Array("{}".utf8))
    private let denied = Reply.error(WireError(.denied, "no"))

    private func events(_ step: StreamStep) -> [String]? {
        if case .events(let events) = step { events.map { text($0.bytes) } } else { nil }
    }

    @Test("A client without the permission gets the refusal instead of a stream")
    func refusal() {
        var stream = DashboardStream(clock: { 0 }, limits: { HubLimits() })
        _ = stream.begin()
        guard case .end(let reply) = stream.receive(.error(WireError(.authRequired, "no")), nil) else {
            return #expect(Bool(false))
        }
        #expect(Response(outcome: reply).status == .unauthorized)
    }

    @Test("The page consists of files that exist, with a policy that permits only them")
    func files() throws {
        for path in ["/", "/ui/style.css", "/ui/main.js", "/ui/icon.svg"] {
            let file = try #require(Dashboard.file(at: path))
            let response = Dashboard.response(for: file)
            #expect(response.status == .ok && response.body.count > 100 && response.body.last == 0x0A)
            #expect(response.policy.hasPrefix("default-src 'none'; script-src 'self'"))
        }
        for path in ["/ui/", "/ui/index.html/", "/ui/../x", "/ui/main.jsx", "/index.html"] {
            #expect(Dashboard.file(at: path) == nil, "\(path)")
        }
    }

    @Test("Everything that the page imports is one of its files")
    func imports() throws {
        let files = ["index.html", "main.js"]
        var seen = Set(files)
        var rest = files
        while let file = rest.popLast() {
            let text = text(Dashboard.response(for: file).body)
            for link in text.matches(of: #/(?:from '\.\/|"\/ui\/)([a-z.]+)['"]/#) {
                let name = String(link.1)
                #expect(Dashboard.file(at: Dashboard.prefix + name) != nil, "\(file) needs \(name)")
                if seen.insert(name).inserted { rest.append(name) }
            }
        }
        #expect(seen.count > 10)
    }
}
