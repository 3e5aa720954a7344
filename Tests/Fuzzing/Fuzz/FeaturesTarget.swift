/// Fuzzes two conversations with a hub, as ``ConversationsTarget`` does, with commands that are made from the input.
///
/// Each command takes a few bytes of input, which choose its verb, its options and its channel among a few. So nearly all
/// commands are valid, and two mutations combine any two features.
enum FeaturesTarget {
    static func check(_ input: FuzzedInput) {
        guard let hub = FuzzedHub() else { return }
        var commands = CommandMaker(input)
        while let choice = commands.next() {
            let client = choice & 1
            switch choice >> 1 & 31 {
            case 0: hub.advanceClock(by: .seconds(1))
            case 1, 2: hub.advanceClock(by: .milliseconds(50))
            case 3:
                commands.chooses(1, of: 4)
                    ? hub.endInput(of: client) : hub.send(commands.several(client, hub), by: client)
            case 4:
                commands.chooses(1, of: 4) ? hub.breakOff(client) : hub.send(commands.several(client, hub), by: client)
            case 5: hub.setReading(commands.chooses(1, of: 2), of: client)
            case 6: if commands.chooses(1, of: 8) { hub.drain(within: commands.chooses(1, of: 2) ? .seconds(1) : nil) }
            default: hub.send(commands.command(for: client, of: hub), by: client)
            }
        }
        hub.end()
    }
}

/// Makes commands from the bytes of an input. When the bytes are used up, each choice is the first one.
struct CommandMaker {
    private var bytes: ArraySlice<UInt8>

    init(_ input: FuzzedInput) {
        bytes = Array(input.bytes)[...]
    }

    /// Returns the next byte as a number. Nil at the end of the input.
    mutating func next() -> Int? { bytes.popFirst().map { Int($0) } }

    mutating func chooses(_ count: Int, of total: Int) -> Bool { (next() ?? total) % total < count }

    private mutating func one(of words: [String]) -> String { words[(next() ?? 0) % words.count] }

    /// Chooses several of the options with one byte.
    private mutating func options(_ all: [[String]]) -> String {
        var choice = next() ?? 0
        var text = ""
        for values in all {
            if choice & 1 != 0 { text += one(of: values) + " " }
            choice >>= 1
        }
        return text
    }

    private mutating func channel() -> String { one(of: ["a", "b", "c", "d"]) }
    private mutating func tag() -> String { one(of: ["", "#1 ", "#2 ", "#3 ", "#4 "]) }
    private mutating func text() -> String { one(of: ["", " x", " yy", " a longer text of forty bytes or a few mo"]) }

    /// Makes some commands that are sent together.
    mutating func several(_ client: Int, _ hub: FuzzedHub) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(2 + (next() ?? 0) % 6) { bytes += command(for: client, of: hub) }
        return bytes
    }

    mutating func command(for client: Int, of hub: FuzzedHub) -> [UInt8] {
        let tag = tag()
        return Array((tag + command(did: hub.lastDelivery(to: client)) + "\n").utf8)
    }

    private mutating func command(did: String) -> String {
        switch (next() ?? 0) % 32 {
        case 0..<5: "SEND " + sendOptions() + channel() + text()
        case 5..<8: "CALL " + callOptions() + channel() + text()
        case 8..<13: "RECV " + receiveOptions() + channel()
        case 13, 14: "ACK " + did + text()
        case 15: "NACK " + options([["delay=50ms", "delay=2s", "delay=0"]]) + did
        case 16: "REJECT " + did + text()
        case 17: "TOUCH " + did
        case 18, 19, 20: "OPEN " + openOptions() + channel()
        case 21: "REDRIVE " + options([["count=1", "count=2", "count=*"]]) + channel()
        case 22: "CLOSE " + channel()
        case 23: "POISON " + channel() + text()
        case 24:
            "JOIN " + one(of: ["end=recv ", "end=send "]) + options([["on-death=poison", "on-death=retire"]])
                + channel()
        case 25: "LEAVE " + one(of: ["end=recv ", "end=send "]) + channel()
        case 26:
            "BARRIER parties=" + one(of: ["1 ", "2 ", "3 "]) + options([["timeout=50ms", "timeout=0"]]) + channel()
        case 27, 28: select()
        case 29: "CANCEL " + one(of: ["1", "2", "3", "4"])
        case 30: report()
        default: other()
        }
    }

    private mutating func sendOptions() -> String {
        options([
            ["timeout=0", "timeout=50ms", "timeout=1s"], ["id=x", "id=y"], ["until=taken"], ["delay=50ms", "delay=2s"],
            ["eof=wait"], ["need=1", "need=2"], ["epoch=42", "epoch=41"],
        ])
    }

    private mutating func callOptions() -> String {
        options([
            ["timeout=0", "timeout=50ms", "timeout=1s"], ["id=x", "id=y"], ["eof=wait"], ["epoch=42", "epoch=41"],
        ])
    }

    private mutating func receiveOptions() -> String {
        options([
            ["timeout=0", "timeout=50ms", "timeout=1s"], ["lease=1h", "lease=50ms", "lease=1s"],
            ["count=2", "count=*"],
            ["window=2", "window=3"], ["eof=wait"],
        ])
    }

    private mutating func openOptions() -> String {
        options([
            ["cap=1", "cap=2", "cap=0"], ["max-attempts=1", "max-attempts=2"], ["dead=d", "dead=a"],
            ["retry=50ms", "retry=1s"],
            ["overflow=drop-oldest", "overflow=drop-newest"], ["kind=broadcast", "kind=once"],
        ])
    }

    private mutating func select() -> String {
        var arms: [String] = []
        for _ in 0..<(1 + (next() ?? 0) % 3) {
            switch (next() ?? 0) % 8 {
            case 0..<3: arms.append("recv " + channel())
            case 3: arms.append("recv lease=1s " + channel())
            case 4, 5: arms.append("send " + channel() + " x")
            case 6: arms.append("send id=x " + channel() + " x")
            default: arms.append("barrier parties=2 " + channel())
            }
        }
        let command =
            "SELECT " + options([["timeout=50ms", "timeout=0"], ["order=first", "order=random"], ["eof=wait"]])
        return command + arms.joined(separator: " | ") + one(of: ["", "", " | else"])
    }

    private mutating func report() -> String {
        one(of: ["CHANNELS ", "WAITERS ", "CLIENTS ", "STUCK ", "INFO "]) + options([["format=json"], ["limit=1"]])
    }

    private mutating func other() -> String {
        one(of: [
            "PING", "NAME waits=all me", "NAME you", "TRACE", "KILL client=first", "KILL client=second gone", "HELLO",
            "HELLO features=receivers,rejected", "HELP SEND", "QUIT",
        ])
    }
}
