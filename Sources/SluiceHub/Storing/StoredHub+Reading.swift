import SluiceRuntime
import SluiceWire

extension StoredHub {
    /// Reads the text of a stored hub.
    ///
    /// - Returns: the value, and the time at which it was stored, in milliseconds since 1970.
    /// - Throws: an error that names the line, if the text is damaged, incomplete, or of a later version.
    package static func read(
        _ text: UnsafeRawBufferPointer
    ) throws(StoredHubError) -> (hub: StoredHub, savedAt: Int) {
        var reader = RecordReader(text)
        try checkVersion(&reader)
        var first = try reader.next()
        guard first.kind == "hub" else { throw first.error("the record hub is missing") }
        var hub = StoredHub()
        let time = try first.number("saved")
        hub.epochs = try first.epochs()
        try first.end()
        while true {
            var record = try reader.next()
            switch record.kind {
            case "client": hub.clients.append(try record.client())
            case "channel": hub.channels.append(try record.channel(payers: hub.clients.count))
            case "message":
                guard let last = hub.channels.indices.last else { throw record.error("a message has no channel") }
                hub.channels[last].messages.append(try record.message(payers: hub.clients.count))
            case "id": hub.sends.append(try record.send(payers: hub.clients.count))
            case "end":
                guard reader.isAtEnd else { throw record.error("something follows the end") }
                try hub.checkNames()
                return (hub, time)
            default: throw record.error("there is no record of this kind")
            }
            try record.end()
        }
    }

    private static func checkVersion(_ reader: inout RecordReader) throws(StoredHubError) {
        var header = try reader.next()
        guard header.kind == "sluice-state" else { throw header.error("this is not a state of sluiced") }
        let version = try header.number("version")
        guard version == Self.version else {
            throw header.error(
                "it has version \(version), and this sluiced reads version \(Self.version): start the sluiced that wrote it"
            )
        }
    }

    /// Checks that each channel comes once.
    private func checkNames() throws(StoredHubError) {
        guard Set(channels.map(\.name)).count == channels.count else {
            throw StoredHubError("a channel comes twice")
        }
    }
}

/// Reads records one after the other, and at the last one checks that all bytes before it are as they were written.
private struct RecordReader {
    private let text: UnsafeRawBufferPointer
    private var position = 0
    private var line = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    mutating func next() throws(StoredHubError) -> Record {
        let start = position
        var record = Record(try readLine(), line: line)
        if record.kind == "end" {
            let digest = ContentDigest()
            digest.add(UnsafeRawBufferPointer(rebasing: text[..<start]))
            guard try record.word("digest") == digest.finish() else {
                throw record.error("the state is damaged: it differs from what was written")
            }
        } else if let count = try record.optionalNumber("bytes") {
            guard count < text.count - position, text[position + count] == .lineFeed else {
                throw record.error("the bytes of the record are incomplete")
            }
            let body = Body(text[position..<position + count])
            record.body = body
            position += count + 1
            line += body.count { $0 == .lineFeed } + 1
        }
        return record
    }

    private mutating func readLine() throws(StoredHubError) -> String {
        line += 1
        guard let end = text[position...].firstIndex(of: .lineFeed) else {
            throw StoredHubError("the state is incomplete", line: line)
        }
        defer { position = end + 1 }
        return String(decoding: text[position..<end], as: UTF8.self)
    }
}

/// A line of the text, and the bytes that follow it. Each field is read once, and `end` finds fields that nobody has
/// read.
private struct Record {
    let kind: String
    let line: Int
    /// The bytes that follow the line. Nil without any.
    fileprivate(set) var body: Body?
    private var fields: [Substring: Substring] = [:]
    private let hasRepetition: Bool

    init(_ text: String, line: Int) {
        self.line = line
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        kind = String(words[0])
        var isRepeated = false
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let old = fields.updateValue(parts.count == 2 ? parts[1] : "", forKey: parts[0])
            if old != nil { isRepeated = true }
        }
        hasRepetition = isRepeated
    }

    func error(_ reason: String) -> StoredHubError { StoredHubError(reason, line: line) }

    /// Checks that every field was read.
    func end() throws(StoredHubError) {
        guard fields.isEmpty, !hasRepetition else { throw error("the record \(kind) has a field too many") }
    }

    // MARK: Fields

    mutating func optionalWord(_ key: Substring) -> String? { fields.removeValue(forKey: key).map(String.init) }

    mutating func word(_ key: Substring) throws(StoredHubError) -> String {
        guard let word = optionalWord(key) else { throw error("the record \(kind) lacks \(key)=") }
        return word
    }

    mutating func text(_ key: Substring) -> String? { optionalWord(key).map { PercentEncoding.decode($0) } }

    mutating func flag(_ key: Substring) throws(StoredHubError) -> Bool {
        guard let word = optionalWord(key) else { return false }
        guard word == "yes" else { throw invalid(key) }
        return true
    }

    mutating func optionalNumber<Number: FixedWidthInteger>(
        _ key: Substring, as type: Number.Type = Int.self
    ) throws(StoredHubError) -> Number? {
        let number: Number? = try optionalAnyNumber(key)
        // At most half of what the type has, so that a sum of two does not overflow. The longest delay is below that.
        if let number, number > Number.max / 2 { throw invalid(key) }
        return number
    }

    /// A number that may be as great as its type allows, because it is not added to others.
    mutating func optionalAnyNumber<Number: FixedWidthInteger>(_ key: Substring) throws(StoredHubError) -> Number? {
        guard let word = optionalWord(key) else { return nil }
        guard let number = Number(word), number >= 0 else { throw invalid(key) }
        return number
    }

    mutating func number<Number: FixedWidthInteger>(
        _ key: Substring, as type: Number.Type = Int.self
    ) throws(StoredHubError) -> Number {
        guard let number = try optionalNumber(key, as: type) else { throw error("the record \(kind) lacks \(key)=") }
        return number
    }

    mutating func optionalName(_ key: Substring) throws(StoredHubError) -> ChannelName? {
        guard let word = optionalWord(key) else { return nil }
        guard let name = ChannelName(word) else { throw invalid(key) }
        return name
    }

    mutating func name(_ key: Substring) throws(StoredHubError) -> ChannelName {
        guard let name = ChannelName(try word(key)) else { throw invalid(key) }
        return name
    }

    private func bytes() throws(StoredHubError) -> Body {
        guard let body else { throw error("the record \(kind) lacks bytes=") }
        return body
    }

    private func invalid(_ key: Substring) -> StoredHubError { error("\(key)= has a wrong value") }

    // MARK: Values

    mutating func epochs() throws(StoredHubError) -> [Int] {
        var epochs: [Int] = []
        for word in try word("epochs").split(separator: ",") {
            guard let epoch = Int(word), epoch >= 0 else { throw invalid("epochs") }
            epochs.append(epoch)
        }
        guard epochs.count <= StoredHub.mostEpochs else { throw invalid("epochs") }
        return epochs
    }

    private mutating func payer(of count: Int) throws(StoredHubError) -> Int {
        let payer = try number("payer")
        guard payer < count else { throw error("there is no client \(payer)") }
        return payer
    }

    mutating func client() throws(StoredHubError) -> StoredClient {
        let holder = try holder()
        guard let address = text("address") else { throw error("the record client lacks address=") }
        return StoredClient(address: address, holder: holder)
    }

    private mutating func holder() throws(StoredHubError) -> HolderName {
        let parts = try word("holder").split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count == 2 ? parts[1] : nil) {
        case ("local"?, nil): return .local
        case ("principal"?, let name?): if let name = ChannelName(name) { return .principal(name) }
        case ("ipv4"?, let number?): if let number = UInt32(number) { return .origin(.ipv4(number)) }
        case ("ipv6"?, let number?): if let number = UInt64(number) { return .origin(.ipv6Network(number)) }
        case ("user"?, let number?): if let number = UInt32(number) { return .origin(.user(number)) }
        default: break
        }
        throw invalid("holder")
    }

    mutating func channel(payers: Int) throws(StoredHubError) -> StoredChannel {
        var channel = StoredChannel(name: try name("name"))
        channel.declaration = try declaration()
        channel.isDeclared = try flag("declared")
        channel.policy = try policy(for: channel.name, channel.declaration)
        if fields["payer"] != nil { channel.payer = try payer(of: payers) }
        switch optionalWord("ending") {
        case "closed"?: channel.ending = .closed(reason: text("reason"))
        case "poisoned"?: channel.ending = .poisoned(reason: text("reason"))
        case nil: break
        default: throw invalid("ending")
        }
        channel.hasLostReceivers = try flag("lost-receivers")
        channel.counts.sent = try optionalNumber("sent") ?? 0
        channel.counts.taken = try optionalNumber("taken") ?? 0
        channel.counts.redelivered = try optionalNumber("redelivered") ?? 0
        channel.counts.rejected = try optionalNumber("rejected") ?? 0
        guard !channel.isDeclared || channel.payer != nil else { throw error("a declared channel lacks payer=") }
        return channel
    }

    private mutating func declaration() throws(StoredHubError) -> ChannelDeclaration {
        switch ChannelDeclaration.Kind(rawValue: try word("kind")) {
        case .queue?:
            guard let overflow = Overflow(rawValue: try word("overflow")) else { throw invalid("overflow") }
            guard let capacity: Int = try optionalAnyNumber("capacity") else {
                throw error("the record \(kind) lacks capacity=")
            }
            return .queue(capacity: capacity, overflow: overflow)
        case .broadcast?: return .broadcast
        case .once?: return .once
        case nil: throw invalid("kind")
        }
    }

    private mutating func policy(
        for name: ChannelName, _ declaration: ChannelDeclaration
    ) throws(StoredHubError) -> FailurePolicy? {
        guard try flag("policy") else { return nil }
        let delay = try optionalNumber("retry", as: Int64.self)
        let policy = FailurePolicy(
            maxAttempts: try optionalAnyNumber("max-attempts"), deadChannel: try optionalName("dead"),
            retryDelay: delay.map { .nanoseconds($0) })
        do throws(WireError) {
            try policy.check(for: name, declaration)
        } catch {
            throw self.error(error.message)
        }
        return policy
    }

    mutating func message(payers: Int) throws(StoredHubError) -> StoredMessage {
        var message = StoredMessage(
            body: try bytes(), place: try place(), position: try number("position", as: UInt64.self),
            payer: try payer(of: payers))
        message.usesSpace = try flag("uses-space")
        message.attempts = Int(try optionalNumber("attempts", as: Int32.self) ?? 0)
        message.key = try key("")
        message.isRemembered = try flag("remembered")
        if let from = try optionalName("from") {
            message.origin = StoredOrigin(
                from: from, attempts: Int(try number("from-attempts", as: Int32.self)), reason: text("from-reason"),
                key: try key("from-"))
        }
        if let word = text("trace") {
            guard let trace = TraceContext(word) else { throw invalid("trace") }
            message.trace = trace
        }
        guard message.key != nil || !message.isRemembered else { throw error("a remembered message lacks id=") }
        return message
    }

    private mutating func place() throws(StoredHubError) -> StoredMessage.Place {
        switch try word("place") {
        case "buffered": return .buffered
        case "returned": return .returned
        case "delayed":
            return .delayed(try number("delay", as: UInt64.self))
        case "held": return .held(text("reason"))
        default: throw invalid("place")
        }
    }

    private mutating func key(_ prefix: String) throws(StoredHubError) -> SendKey? {
        guard let word = optionalWord(Substring(prefix + "id")) else { return nil }
        guard let id = MessageID(word) else { throw invalid(Substring(prefix + "id")) }
        return SendKey(
            channel: try name(Substring(prefix + "channel")), id: id,
            of: try optionalName(Substring(prefix + "principal")))
    }

    mutating func send(payers: Int) throws(StoredHubError) -> StoredSend {
        guard let key = try key("") else { throw error("the record id lacks id=") }
        return StoredSend(key: key, payer: try payer(of: payers), result: try result())
    }

    private mutating func result() throws(StoredHubError) -> StoredSend.Result {
        switch try word("result") {
        case "delivered": return .delivered
        case "rejected": return .rejected(text("reason"), isOfCall: false)
        case "call-rejected": return .rejected(text("reason"), isOfCall: true)
        case "rejected-later": return .rejectedLater
        case "unanswered": return .unanswered
        case "answer-forgotten": return .answerForgotten
        case "answered": return .answered(try bytes())
        default: throw invalid("result")
        }
    }
}
