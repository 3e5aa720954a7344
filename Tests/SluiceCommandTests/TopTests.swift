import SluiceWire
import Testing

@testable import sluice

@Suite("The screen of top")
struct TopTests {
    private func report(handoffs: Int, epoch: Int = 1) -> ServerReport {
        ServerReport(
            version: "1.2.3", protocolVersion: 1, epoch: epoch, uptimeSeconds: 250, connections: 3, handoffs: handoffs)
    }

    private var model: TopModel {
        var model = TopModel(hub: "127.0.0.1:7333")
        model.channels = (0..<50).map { ChannelReport(name: "jobs/\($0)", senders: $0) }
        model.channels.append(ChannelReport(name: "bad", state: .poisoned, reason: "no ink\u{1F3A8}"))
        model.waiters = (0..<50).map {
            WaiterReport(
                client: "127.0.0.1:\(1000 + $0)", operation: .receive, targets: ["jobs/\($0)"],
                waitingSeconds: Double(100 - $0))
        }
        model.update(report(handoffs: 0), seen: [:], seconds: 1)
        model.update(report(handoffs: 1000), seen: ["jobs/7": 900, "jobs/8": 100], seconds: 1)
        return model
    }

    @Test(
        "The lines fit every size of the screen",
        arguments: [1, 2, 3, 10, 20, 40, 56, 64, 80, 84, 100, 120, 300], [0, 1, 2, 3, 5, 8, 14, 24, 40, 100])
    func size(width: Int, height: Int) {
        for model in [model, TopModel(hub: "h")] {
            let lines = TopView(width: width, height: height, glyphs: .unicode).lines(model)
            #expect(lines.count == height)
            #expect(lines.allSatisfy { $0.width <= width && $0.text.count == $0.width })
        }
    }

    @Test("Rates are shown, with the busiest channel first")
    func rates() throws {
        let lines = TopView(width: 80, height: 24, glyphs: .ascii).lines(model).map(\.text)
        #expect(lines[0].hasPrefix(" sluice top  127.0.0.1:7333") && lines[0].hasSuffix("up 4 m 10 s - 1.2.3 "))
        #expect(lines[1].hasPrefix(" 1 000 messages/s   3 clients"))
        let heading = try #require(lines.firstIndex { $0.hasPrefix(" CHANNEL") })
        #expect(lines[heading + 1].split(separator: " ").prefix(2) == ["jobs/7", "900"])
        #expect(lines[heading + 2].split(separator: " ").prefix(2) == ["jobs/8", "100"])
        #expect(lines.contains { $0.contains("and 4") && $0.hasSuffix("more") })
        #expect(
            lines.contains {
                $0.contains("127.0.0.1:1000") && $0.hasSuffix("recv jobs/0") || $0.contains("recv jobs/0 ")
            })
    }

    @Test("Rates of channels are estimated from the handoffs that were seen")
    func sample() {
        var model = TopModel(hub: "h")
        model.update(report(handoffs: 0), seen: [:], seconds: 1)
        model.update(report(handoffs: 40_000), seen: ["a": 1500, "b": 500], seconds: 2)
        #expect(model.rate == 20_000)
        #expect(model.rate(of: "a") == 15_000)
        #expect(model.rate(of: "b") == 5_000)
        model.update(report(handoffs: 0, epoch: 2), seen: [:], seconds: 1)
        #expect(model.rate == nil)
    }

    @Test("Without colors there are no escape sequences, and text cannot move the cursor")
    func colors() {
        var model = model
        model.order = .name
        let lines = TopView(width: 100, height: 30, glyphs: .unicode).lines(model)
        let plain = lines.map { $0.rendered(inColor: false) }.joined()
        #expect(!plain.contains("\u{1B}[3"))
        #expect(lines.map { $0.rendered(inColor: true) }.joined().contains("\u{1B}[31mpoisoned: no ink?"))
    }

    @Test("Keys are recognized in the input")
    func keys() {
        #expect(Key.keys(in: Array("q\u{1B}[A\u{1B}[6~j".utf8)) == [.character("q"), .up, .pageDown, .character("j")])
    }

    @Test("Graphs show every value above zero")
    func graphs() {
        #expect(Glyphs.ascii.graph([0, 0.01, 8], highest: 8) == [" .@"])
        #expect(Glyphs.ascii.graph([0, 4, 8], highest: 8, rows: 2) == ["  @", " @@"])
    }
}
