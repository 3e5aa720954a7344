public import Synchronization

/// What `Broadcast` and `Publication` share: a green task that passes each message of a source to every tap of the
/// message's key.
///
/// A tap is a channel whose receiving end the subscriber has. The task receives only while there is a tap. It offers a
/// message to all its taps at once, and takes the next one when each tap has taken the message or has retired.
@usableFromInline
final class Fanout<Element: Sendable, Key: Hashable & Sendable>: Sendable {
    @usableFromInline
    struct Tap {
        let number: UInt64
        @usableFromInline let channel: Channel<Element>
    }

    @usableFromInline
    struct State {
        @usableFromInline var taps: [Key: [Tap]] = [:]
        var lastTap: UInt64 = 0
        /// Whether the owner still exists, so that taps may be added.
        @usableFromInline var isOwned = true
        /// How the source has ended; nil while it has not.
        var ending: ChannelEnding?
    }

    @usableFromInline
    enum Arrival {
        case message(Element)
        case end
        case changedTaps
    }

    @usableFromInline let name: String
    @usableFromInline let key: @Sendable (Element) -> Key
    @usableFromInline let state = Lock(State())
    /// Has a message if a tap was added or has retired, or the owner has gone, since the task last looked.
    @usableFromInline let changes: Channel<Void>

    @usableFromInline
    init(_ name: String, by key: @escaping @Sendable (Element) -> Key) {
        self.name = name
        self.key = key
        changes = Channel(.droppingOldest(capacity: 1), name: "taps of \(name)")
    }

    // MARK: Taps

    @usableFromInline
    func addTap(for key: Key, _ kind: ChannelKind, name: String) -> ReceivingEnd<Element> {
        let channel = Channel<Element>(kind, name: name.isEmpty ? "tap of \(self.name)" : name)
        let (number, ending) = state.withLock { state in
            state.lastTap += 1
            if state.ending == nil { state.taps[key, default: []].append(Tap(number: state.lastTap, channel: channel)) }
            return (state.lastTap, state.ending)
        }
        if let ending { Self.end(channel, ending) } else { noteChange() }
        return ReceivingEnd(of: channel) { [self] in removeTap(number, of: key) }
    }

    private func removeTap(_ number: UInt64, of key: Key) {
        state.withLock { state in
            state.taps[key]?.removeAll { $0.number == number }
            if state.taps[key]?.isEmpty == true { state.taps[key] = nil }
        }
        noteChange()
    }

    /// Ends the taps of a key, or all taps if it is nil, after the messages that they have.
    @usableFromInline
    func removeTaps(of key: Key?) {
        let removed = state.withLock { state in
            guard let key else {
                defer { state.taps = [:] }
                return state.taps.values.flatMap(\.self)
            }
            return state.taps.removeValue(forKey: key) ?? []
        }
        for tap in removed.sorted(by: { $0.number < $1.number }) { tap.channel.close() }
        noteChange()
    }

    /// Tells the task that no tap will be added any more, so that it ends when the last one has retired.
    @usableFromInline
    func disown() {
        state.withLock { $0.isOwned = false }
        noteChange()
    }

    private func noteChange() {
        _ = try? changes.trySend(())
    }

    @inlinable var hasTaps: Bool { state.withLock { !$0.taps.isEmpty } }

    // MARK: The task

    /// Starts the task.
    @inlinable
    func start(on reactor: Reactor, from source: some MessageSource<Element>) {
        let source = source.makeAsyncIterator()
        reactor.spawn(name) { [self] in
            do {
                try await run(from: source.channel)
                end(.closed(reason: nil))
            } catch {
                end(.poisoned(reason: error.poisonReason))
            }
            source.retire()
        }
    }

    @inlinable
    func run(from source: Channel<Element>) async throws {
        // A message whose taps all retired before one took it is kept for the next tap.
        var kept: Element?
        while try await awaitTap() {
            switch try await nextArrival(from: source, after: kept.take()) {
            case .message(let message): if try await !distribute(message) { kept = message }
            case .end: return
            case .changedTaps: continue
            }
        }
    }

    @inlinable
    func nextArrival(
        from source: Channel<Element>, after kept: Element?
    ) async throws -> Arrival {
        // An attempt costs far less than a select.
        if let message = try kept ?? source.tryReceive() { return .message(message) }
        return try await select(order: .first) {
            changes.receiving { _ in .changedTaps }
            source.receiving { message in message.map { .message($0) } ?? .end }
        }
    }

    /// Waits until there is a tap.
    ///
    /// - Returns: false when there will never be one.
    @inlinable
    func awaitTap() async throws(SluiceError) -> Bool {
        while !hasTaps {
            guard state.withLock({ $0.isOwned }) else { return false }
            _ = try await changes.receive()
        }
        return true
    }

    /// Passes `message` to every tap of its key.
    ///
    /// - Returns: false when the message is to be kept, because all taps have retired.
    @inlinable
    func distribute(_ message: Element) async throws -> Bool {
        let key = key(message)
        let (taps, hasTaps) = state.withLock { ($0.taps[key] ?? [], !$0.taps.isEmpty) }
        guard !taps.isEmpty else { return hasTaps }
        var waiting = taps.map(\.channel)
        var takenCount = 0
        while !waiting.isEmpty {
            waiting.removeAll { channel in
                // An error means that the tap has retired.
                guard let isTaken = try? channel.trySend(message) else { return true }
                if isTaken { takenCount += 1 }
                return isTaken
            }
            guard !waiting.isEmpty, let index = try await offer(message, to: waiting) else { continue }
            takenCount += 1
            waiting.remove(at: index)
        }
        return takenCount > 0
    }

    /// Waits until one of `channels` has taken the message.
    ///
    /// - Returns: the channel's index; nil when one of the channels has ended.
    @inlinable
    func offer(_ message: Element, to channels: [Channel<Element>]) async throws -> Int? {
        do {
            return try await select {
                for (index, channel) in channels.enumerated() { channel.sending(message) { index } }
            }
        } catch let error as SluiceError where error.code == .closed || error.code == .poisoned {
            return nil
        }
    }

    @usableFromInline
    func end(_ ending: ChannelEnding) {
        let taps = state.withLock { state in
            state.ending = ending
            defer { state.taps = [:] }
            return state.taps.values.flatMap(\.self)
        }
        for tap in taps.sorted(by: { $0.number < $1.number }) { Self.end(tap.channel, ending) }
    }

    private static func end(_ channel: Channel<Element>, _ ending: ChannelEnding) {
        switch ending {
        case .closed(let reason): channel.close(reason: reason)
        case .poisoned(let reason): channel.poison(reason: reason)
        }
    }
}
