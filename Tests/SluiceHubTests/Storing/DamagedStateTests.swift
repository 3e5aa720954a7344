import Foundation
import SeededRandom
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Texts that no hub has written.
@Suite struct DamagedStateTests {
    /// A text with every kind of record and field.
    private func text() throws -> [UInt8] {
        var hub = TestHub()
        let client = hub.connect()
        _ = try hub.open("jobs", .buffer(5), maxAttempts: 2, dead: "dead", retry: .seconds(1), by: client)
        _ = try hub.open("news", .broadcast, by: client)
        _ = try hub.open("answer", .once, by: client)
        _ = try hub.send("value", on: "answer", by: client)
        for id in ["a", "b", "c"] { _ = try hub.send("m\(id)", on: "jobs", by: client, id: id, trace: "t=1") }
        _ = try hub.send("late", on: "jobs", by: client, delay: .seconds(60))
        for reason in ["no good", nil] {
            let delivery = try #require(try hub.receive(from: "jobs", by: client, lease: .seconds(9)).delivery)
            _ = hub.reject(delivery, reason, by: client)
        }
        _ = try hub.call("c", on: "calls", by: client, tag: "t", id: "x")
        let call = try #require(try hub.receive(from: "calls", by: client, lease: .seconds(9)).delivery)
        _ = hub.ack(call, by: client, answer: "the answer")
        _ = try hub.poison("old", "a bad day", by: client)
        hub.machine.drain()
        hub.machine.endDraining()
        return try hub.machine.stored().text(savedAt: 1)
    }

    @Test("A text that ends too early, or has another byte anywhere, is refused")
    func damage() throws {
        let text = try text()
        _ = try StoredHub.read(text)
        for end in text.indices {
            #expect(throws: StoredHubError.self) { try StoredHub.read(Array(text[..<end])) }
            var changed = text
            changed[end] ^= 1
            #expect(throws: StoredHubError.self) { try StoredHub.read(changed) }
        }
        #expect(throws: StoredHubError.self) { try StoredHub.read(text + [0x0A]) }
    }

    @Test("A text of a later version is refused, and the error says so")
    func laterVersion() throws {
        let later = String(decoding: try text(), as: UTF8.self).replacing("version=1", with: "version=2")
        let error = #expect(throws: StoredHubError.self) { try StoredHub.read(Array(later.utf8)) }
        #expect(error?.line == 1)
        #expect(error?.reason.contains("it has version 2, and this sluiced reads version 1") == true)
    }

    @Test(
        "Each wrong record is refused with its line",
        arguments: [
            ("client holder=", "client bolder="), ("holder=ipv4:", "holder=ipv4:x"), (" kind=queue", " kind=heap"),
            (" overflow=block", ""), (" capacity=5", " capacity=-5"), (" payer=0", " payer=9"),
            (" payer=0", " payer=0 payer=0"),
            (" place=buffered", " place=lost"), (" position=", " position=999999999999999999999"),
            ("channel name=jobs", "channel name=-"),
            (" declared=yes", " declared=maybe"), (" remembered=yes", " remembered=yes strange=1"),
            ("hub saved=", "rub saved="),
            ("result=answered", "result=guessed"), (" ending=poisoned", " ending=tired"), ("message ", "massage "),
            (" bytes=", " bites="), ("channel name=news", "channel name=jobs"), (" max-attempts=2", " max-attempts=0"),
        ])
    func wrongRecords(old: String, new: String) throws {
        let text = String(decoding: try text(), as: UTF8.self)
        try #require(text.contains(old))
        let range = try #require(text.firstRange(of: old))
        #expect(throws: StoredHubError.self) {
            try StoredHub.read(signed(text.replacingCharacters(in: range, with: new)))
        }
    }

    @Test("Random changes under a right digest never end the process", arguments: 0..<UInt64(8))
    func randomChanges(run: UInt64) throws {
        var generator = SeededGenerator(seed: run)
        let lines = String(decoding: try text(), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        var accepted = 0
        for _ in 0..<500 {
            var changed = lines.map(String.init)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: changed.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: changed.remove(at: place)
                case 1: changed.insert(changed[place], at: Int.random(in: changed.indices, using: &generator))
                case 2: changed.swapAt(place, Int.random(in: changed.indices, using: &generator))
                default:
                    var bytes = Array(changed[place].utf8)
                    guard !bytes.isEmpty else { break }
                    bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                        in: 32...126, using: &generator)
                    changed[place] = String(decoding: bytes, as: UTF8.self)
                }
                if changed.isEmpty { break }
            }
            guard let (hub, _) = try? StoredHub.read(signed(changed.joined(separator: "\n"))) else { continue }
            var next = TestHub(epoch: 43)
            guard (try? next.machine.restore(hub, after: 0)) != nil else { continue }
            accepted += 1
            next.pass(.seconds(100_000))
            let faults = MachineInvariants(next.machine).faults
            #expect(faults == [])
        }
        #expect(accepted > 0)
    }

    /// Replaces the last record with one that has the right digest.
    private func signed(_ text: String) -> [UInt8] {
        let body = text.components(separatedBy: "\nend digest=")[0] + "\n"
        let digest = ContentDigest()
        digest.add(Array(body.utf8))
        return Array("\(body)end digest=\(digest.finish())\n".utf8)
    }
}
