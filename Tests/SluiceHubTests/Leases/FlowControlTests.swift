import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Leases, counted receives and traces over real sockets, with clients that read slowly or disconnect.
@Suite(.bounded) struct FlowControlTests {
    // MARK: Large messages

    @Test("Messages of all sizes arrive whole and in order")
    func largeAndSmallMessagesArriveWholeAndInOrder() throws {
        var limits = HubLimits()
        limits.outputBytes = 8 << 20
        try HubService.run(limits: limits) { service in
            let (sender, receiver) = (try await service.connect(), try await service.connect())
            // Sizes around the one from which a body is not copied, and larger than the kernel accepts at once.
            let sizes = [1, 16_383, 16_384, 0, 70_000, 16_385, 500_000, 3, 2, 1_000_000, 20_000, 20_000]
            let bodies = sizes.enumerated().map { number, size in
                String(repeating: Character(UnicodeScalar(UInt8(97 + number))), count: size)
            }
            try await receiver.say("#r RECV count=\(sizes.count) c\n")
            service.reactor.spawn("sender") {
                for body in bodies { try await sender.say("SEND len=\(body.utf8.count) c\n\(body)\n") }
                try await sender.hear(String(repeating: "OK\n", count: bodies.count))
            }
            for body in bodies { try await receiver.hear("#r MSG c \(body.utf8.count)\n\(body)\n") }
            try await receiver.hear("#r END\n")
        }
    }

    // MARK: Order

    @Test("Senders are served in order even if they send within one turn of the loop")
    func sendersAreServedInOrderWithinATurn() throws {
        try HubService.run { service in
            var senders: [Client] = []
            for _ in 0..<20 {
                let sender = try await service.connect()
                try await sender.say("PING\n")
                try await sender.hear("OK\n")
                senders.append(sender)
            }
            let receiver = try await service.connect()
            // All send in one turn of the loop, in another order than they have connected.
            let order = (0..<20).map { $0 * 7 % 20 }
            for number in order {
                let line = Array("SEND c \(number)\n".utf8)
                #expect(line.withUnsafeBytes { senders[number].stream.tryWrite($0) } == .bytes(line.count))
            }
            try await service.parked(20)
            try await receiver.say("#r RECV count=20 c\n")
            for number in order { try await receiver.hear("#r MSG c \("\(number)".utf8.count)\n\(number)\n") }
        }
    }

    // MARK: Leases

    enum Departure: CaseIterable {
        case reset, close, quit, badLine
    }

    @Test("A leased message comes back at once when its holder disconnects", arguments: Departure.allCases)
    func aLeaseGoesBackAtOnceWhenItsHolderGoes(departure: Departure) throws {
        try HubService.run { service in
            let (sender, first, second) = (
                try await service.connect(), try await service.connect(), try await service.connect()
            )
            try await sender.say("SEND jobs precious\n")
            try await service.parked(1)
            try await first.say("RECV lease=1h jobs\n")
            try await first.hear("MSG jobs 8 did=1.0 attempt=1 fence=44040193\nprecious\n")
            try await second.say("RECV lease=1h jobs\n")
            try await service.parked(2)
            switch departure {
            case .reset: first.reset()
            case .close: first.stream.close()
            case .quit: try await first.say("QUIT\n")
            case .badLine: try await first.say("SEND len=x jobs\n")
            }
            try await second.hear("MSG jobs 8 did=2.0 attempt=2 fence=44040194\nprecious\n")
            try await second.say("ACK 2.0\n")
            try await second.hear("OK\n")
            try await sender.hear("OK\n")
        }
    }

    @Test("Another connection cannot end a lease")
    func anotherConnectionCannotEndALease() throws {
        try HubService.run { service in
            let (sender, holder) = (try await service.connect(), try await service.connect())
            try await sender.say("#s SEND jobs x\n")
            try await service.parked(1)
            try await holder.say("RECV lease=1s jobs\n")
            try await holder.hear("MSG jobs 1 did=1.0 attempt=1 fence=44040193\nx\n")
            let stale = "ERR stale the lease has ended or belongs to another connection\n"
            try await sender.say("ACK 1.0\nNACK 1.0\nTOUCH 1.0\n")
            try await sender.hear(stale + stale + stale)
            service.clock.advance(by: .milliseconds(999))
            try await holder.say("TOUCH 1.0\n")
            try await holder.hear("OK\n")
            service.clock.advance(by: .milliseconds(999))
            try await holder.say("ACK 1.0\nACK 1.0\n")
            try await holder.hear("OK\n" + stale)
            try await sender.hear("#s OK\n")
        }
    }

    @Test("A message whose lease expired goes to the next receiver")
    func anExpiredLeaseGoesToTheNextReceiver() throws {
        try HubService.run { service in
            let (sender, slow, next) = (
                try await service.connect(), try await service.connect(), try await service.connect()
            )
            try await sender.say("SEND jobs x\n")
            try await service.parked(1)
            try await slow.say("RECV lease=5s jobs\n")
            try await slow.hear("MSG jobs 1 did=1.0 attempt=1 fence=44040193\nx\n")
            try await next.say("RECV lease=5s jobs\n")
            try await service.parked(2)
            service.clock.advance(by: .seconds(5))
            try await next.hear("MSG jobs 1 did=2.0 attempt=2 fence=44040194\nx\n")
            try await slow.say("ACK 1.0\n")
            try await slow.hear("ERR stale the lease has ended or belongs to another connection\n")
            #expect(service.hub.parkedCount == 1, "the sender waits for the acknowledgement of that attempt")
            try await next.say("ACK 2.0\n")
            try await sender.hear("OK\n")
        }
    }

    // MARK: Counted receives

    @Test("A slow reader applies backpressure to the sender, and no message is lost")
    func messagesFlowOnlyAsTheClientReadsAndNoneIsLost() throws {
        try HubService.run { service in
            let (reader, sender) = (try await service.connect(), try await service.connect())
            try await reader.say("#r RECV count=* c\n")
            try await service.parked(1)
            let (count, body) = (3000, String(repeating: "x", count: 4000))
            let writer = service.reactor.spawn {
                for number in 0..<count {
                    try await sender.say("SEND c \(number) \(body)\n")
                    try await sender.hear("OK\n")
                }
            }
            // Twelve megabytes do not fit into the kernel's buffers and the connection's output.
            try await service.until { service.hub.parkedCount == 2 }
            #expect(writer.outcome == nil, "the sender waits because the reader does not read")
            for number in 0..<count {
                let text = "\(number) \(body)"
                try await reader.hear("#r MSG c \(text.utf8.count)\n\(text)\n")
            }
            try await writer.join()
            try await reader.say("CANCEL #r\n")
            try await reader.hear("OK\n#r CANCELLED\n")
        }
    }

    @Test("The tag of a finished counted receive can be used again")
    func aFinishedReceiveFreesItsTag() throws {
        try HubService.run { service in
            let (reader, sender) = (try await service.connect(), try await service.connect())
            try await sender.say("#1 SEND c a\n#2 SEND c b\n#3 SEND c d\n")
            try await service.parked(3)
            try await reader.say("#r RECV count=2 c\n")
            try await reader.hear("#r MSG c 1\na\n#r MSG c 1\nb\n#r END\n")
            try await reader.say("#r RECV count=1 c\n")
            try await reader.hear("#r MSG c 1\nd\n#r END\n")
            try await sender.hear("#1 OK\n#2 OK\n#3 OK\n")
        }
    }

    @Test("The window bounds the unacknowledged messages of a connection's receive")
    func theWindowBoundsWhatIsNotAcknowledged() throws {
        try HubService.run { service in
            let (reader, sender) = (try await service.connect(), try await service.connect())
            try await sender.say((1...5).map { "#\($0) SEND c \($0)\n" }.joined())
            try await service.parked(5)
            try await reader.say("#r RECV count=* lease=1m window=2 c\n")
            try await reader.hear(
                "#r MSG c 1 did=1.0 attempt=1 fence=44040193\n1\n#r MSG c 1 did=2.1 attempt=1 fence=44040194\n2\n")
            try await reader.say("PING\nACK 1.0\n")
            try await reader.hear("OK\nOK\n#r MSG c 1 did=3.0 attempt=1 fence=44040195\n3\n")
            try await reader.say("NACK 2.1\n")
            try await reader.hear("OK\n#r MSG c 1 did=4.1 attempt=2 fence=44040196\n2\n")
            try await sender.hear("#1 OK\n")
        }
    }

    // MARK: Many

    @Test("A send answers one of ten thousand receives of ten connections")
    func oneSendWakesOneOfTenThousand() throws {
        try HubService.run { service in
            var clients: [Client] = []
            for _ in 0..<10 {
                let client = try await service.connect()
                try await client.say((0..<1000).map { "#\($0) RECV c\n" }.joined())
                clients.append(client)
            }
            try await service.parked(10_000)
            let sender = try await service.connect()
            try await sender.say("SEND c x\n")
            try await sender.hear("OK\n")
            #expect(service.hub.parkedCount == 9_999)
            for client in clients { try await client.say("PING\n") }
            try await clients[0].hear("#0 MSG c 1\nx\nOK\n")
            for client in clients.dropFirst() { try await client.hear("OK\n") }
        }
    }

    @Test("A select of 64 channels leaves nothing behind in the other 63")
    func aSelectOf64ChannelsLeavesNothingBehind() throws {
        try HubService.run { service in
            let (chooser, sender) = (try await service.connect(), try await service.connect())
            try await chooser.say("SELECT " + (0..<64).map { "recv c\($0)" }.joined(separator: " | ") + "\n")
            try await service.parked(1)
            #expect(service.hub.channelCount == 64)
            try await sender.say("SEND c17 x\n")
            try await chooser.hear("MSG c17 1 arm=17\nx\n")
            try await sender.hear("OK\n")
            #expect(service.hub.channelCount == 0)
            try await sender.say("CHANNELS\n")
            try await sender.hear("DATA 20\nno channel is in use\n")
        }
    }

    // MARK: Trace

    @Test("An unread trace holds up no other client and reports how many handoffs it dropped")
    func anUnreadTraceDropsHandoffs() throws {
        try HubService.run { service in
            let (tracer, busy) = (try await service.connect(), try await service.connect())
            tracer.shrinkReceiveBuffer()
            try await tracer.say("#t TRACE\n")
            try await service.parked(1)
            var count = 0
            func handOff(_ times: Int) async throws {
                try await busy.say(String(repeating: "#r RECV c\nSEND c hello\n", count: times))
                try await busy.hear(String(repeating: "OK\n#r MSG c 5\nhello\n", count: times))
                count += times
            }
            // Trace more than the kernel and the connection can hold for a client that does not read.
            while !service.hub.hasDroppedTraces { try await handOff(500) }
            // The client reads now. The next handoff that fits reports how many were dropped.
            let reader = service.reactor.spawn {
                var seen = Traces()
                while !seen.hasReportedDrops { seen.take(try await tracer.stream.read(upTo: 1 << 16)) }
                return seen
            }
            while reader.outcome == nil { try await handOff(1) }
            var seen = try await reader.value
            while seen.shown + seen.dropped < count { seen.take(try await tracer.stream.read(upTo: 1 << 16)) }
            #expect(seen.shown + seen.dropped == count)
        }
    }
}

/// The handoffs that a tracing client received.
private struct Traces {
    private(set) var shown = 0
    private(set) var dropped = 0
    private var rest = ""

    var hasReportedDrops: Bool { dropped > 0 }

    mutating func take(_ bytes: some Sequence<UInt8>) {
        rest += String(decoding: Array(bytes), as: UTF8.self)
        let lines = rest.split(separator: "\n", omittingEmptySubsequences: false)
        rest = lines.last.map(String.init) ?? ""
        for line in lines.dropLast() {
            if line.hasPrefix("... ") {
                // The number has a space between groups of three digits.
                dropped += Int(line.filter(\.isNumber)) ?? 0
            } else if line.contains(" -> ") {
                #expect(line.contains("  c  5 B  127.0.0.1:"))
                shown += 1
            } else {
                #expect(line.hasPrefix("#t DATA "))
            }
        }
    }
}

extension Hub {
    /// Whether handoffs were dropped and not yet reported to the tracing client.
    fileprivate var hasDroppedTraces: Bool {
        look { state in
            state.machine.tracers.contains { id in
                if case .trace(let tracer)? = state.machine.operations[id]?.wait { tracer.dropped > 0 } else { false }
            }
        }
    }
}
