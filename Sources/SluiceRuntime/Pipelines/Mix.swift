import Synchronization

/// Passes the messages of several sources on to one channel. Sources come and go, and each can be muted, paused or
/// soloed, as core.async's `mix`.
///
/// ```swift
/// let mix = try Mix(into: speakers, name: "desk")
/// let voice = try mix.add(microphone)
/// voice.set(.muted)
/// ```
///
/// - Sources that have a message take turns. The next message is taken when the previous one was passed on.
/// - A source that ends is removed. When a source is poisoned, the channel is poisoned with its reason. When the channel
///   is closed or poisoned, the mix ends, and sources are poisoned if the channel was.
/// - The mix never closes the channel, to which others may send as well.
/// - The work is done by a green task with the mix's name. It ends with the channel, or when the mix is not in use any
///   more and has no source left. The task owns the sources: it retires those that are receiving ends when it ends or
///   when they are removed.
public final class Mix<Element: Sendable>: Sendable {
    /// The name of the mix's task in reports.
    public let name: String
    private let desk: MixingDesk<Element>

    /// Starts the task.
    ///
    /// - Parameters:
    ///   - output: where the messages go.
    ///   - name: the task's name in reports.
    ///   - reactor: the task's reactor; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil.
    public init(into output: Channel<Element>, name: String = "mix", on reactor: Reactor? = nil) throws(SluiceError) {
        self.name = name
        desk = MixingDesk(into: output, name: name)
        let reactor = try Reactor.given(reactor, for: name)
        reactor.spawn(name) { [desk] in await desk.run() }
    }

    deinit { desk.disown() }

    /// The number of sources that have not ended.
    public var sourceCount: Int { desk.sourceCount }

    /// What the sources that are not soloed do while another one is: they are muted by default.
    public var soloMode: SoloMode {
        get { desk.soloMode }
        set { desk.soloMode = newValue }
    }

    /// Adds a source. May be called from any thread.
    ///
    /// - Parameters:
    ///   - source: what to receive from.
    ///   - setting: whether the source is muted, paused or soloed at first.
    /// - Returns: the place of the source in the mix. The source stays in the mix if nothing refers to its place.
    @discardableResult
    public func add(_ source: some MessageSource<Element>, _ setting: MixSetting = []) -> MixInput {
        let iterator = source.makeAsyncIterator()
        let number = desk.add(iterator, setting)
        return MixInput(
            change: { [desk] in desk.set($0, of: number) }, removal: { [desk] in desk.remove(number) })
    }

    /// Removes all sources.
    public func removeAll() { desk.removeAll() }

    /// See `soloMode`.
    public enum SoloMode: Sendable {
        /// Their messages are taken and dropped.
        case muted
        /// Nothing is taken from them.
        case paused
    }
}

/// What a mix does with a source. Without any of these, it passes on the messages.
public struct MixSetting: OptionSet, Sendable, Hashable {
    /// The bits of the set.
    public let rawValue: UInt8

    /// Creates a set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The messages are taken and dropped.
    public static let muted = MixSetting(rawValue: 1)
    /// Nothing is taken, so that senders wait. Counts more than `muted`.
    public static let paused = MixSetting(rawValue: 2)
    /// Only the sources with this setting are heard. Counts more than the other settings.
    public static let soloed = MixSetting(rawValue: 4)
}

/// The place of a source in a mix.
public struct MixInput: Sendable {
    fileprivate let change: @Sendable (MixSetting) -> Void
    fileprivate let removal: @Sendable () -> Void

    /// Changes what the mix does with the source. A message that the mix has taken already is passed on. May be called
    /// from any thread. Does nothing once the source has ended or was removed.
    public func set(_ setting: MixSetting) { change(setting) }

    /// Removes the source from the mix, which retires it if it is a receiving end. May be called from any thread.
    public func remove() { removal() }
}

/// The sources of a mix, and its task.
private final class MixingDesk<Element: Sendable>: Sendable {
    struct Input {
        let number: UInt64
        let source: MessageIterator<Element>
        var setting: MixSetting
    }

    struct State {
        var inputs: [Input] = []
        var lastNumber: UInt64 = 0
        var soloMode = Mix<Element>.SoloMode.muted
        /// Whether the mix still exists, so that sources may be added.
        var isOwned = true
        var hasEnded = false
    }

    enum Arrival {
        case message(Element, from: UInt64, isHeard: Bool)
        case end(of: UInt64)
        case change
    }

    private let output: Channel<Element>
    private let state = Lock(State())
    /// Tells the task that `state` has changed.
    private let changes: Channel<Void>

    init(into output: Channel<Element>, name: String) {
        self.output = output
        changes = Channel(.droppingOldest(capacity: 1), name: "sources of \(name)")
    }

    // MARK: Settings

    var sourceCount: Int { state.withLock { $0.inputs.count } }

    var soloMode: Mix<Element>.SoloMode {
        get { state.withLock { $0.soloMode } }
        set { update { $0.soloMode = newValue } }
    }

    func add(_ source: MessageIterator<Element>, _ setting: MixSetting) -> UInt64 {
        let (number, hasEnded) = state.withLock { state in
            state.lastNumber += 1
            if !state.hasEnded {
                state.inputs.append(Input(number: state.lastNumber, source: source, setting: setting))
            }
            return (state.lastNumber, state.hasEnded)
        }
        if hasEnded { source.retire() } else { noteChange() }
        return number
    }

    func set(_ setting: MixSetting, of number: UInt64) {
        update { state in
            guard let index = state.inputs.firstIndex(where: { $0.number == number }) else { return }
            state.inputs[index].setting = setting
        }
    }

    func remove(_ number: UInt64) {
        takeOut { $0.number == number }
    }

    func removeAll() {
        takeOut { _ in true }
    }

    func disown() { update { $0.isOwned = false } }

    private func update(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
        noteChange()
    }

    private func takeOut(_ isWanted: (Input) -> Bool) {
        let removed = state.withLock { state in
            defer { state.inputs.removeAll(where: isWanted) }
            return state.inputs.filter(isWanted)
        }
        for input in removed { input.source.retire() }
        noteChange()
    }

    private func noteChange() {
        _ = changes.attemptSend((), inTurn: false)
    }

    // MARK: The task

    func run() async {
        do {
            while let inputs = audibleInputs() { try await passOn(nextArrival(from: inputs)) }
        } catch {
            if case .poisoned(let reason) = output.ending {
                for input in state.withLock({ $0.inputs }) { input.source.poison(reason: reason) }
            } else if (error as? SluiceError)?.code == .poisoned {
                output.poison(reason: error.poisonReason)
            }
        }
        state.withLock { $0.hasEnded = true }
        removeAll()
    }

    /// The sources to receive from, and whether each is heard; nil when there will never be one.
    private func audibleInputs() -> [(input: Input, isHeard: Bool)]? {
        state.withLock { state in
            guard state.isOwned || !state.inputs.isEmpty else { return nil }
            let hasSolo = state.inputs.contains { $0.setting.contains(.soloed) }
            return state.inputs.compactMap { input in
                if input.setting.contains(.soloed) { return (input, true) }
                if input.setting.contains(.paused) || hasSolo && state.soloMode == .paused { return nil }
                return (input, !input.setting.contains(.muted) && !hasSolo)
            }
        }
    }

    private func nextArrival(from inputs: [(input: Input, isHeard: Bool)]) async throws -> Arrival {
        try await select {
            changes.receiving { _ in .change }
            for (input, isHeard) in inputs {
                input.source.channel.receiving { message in
                    guard let message else { return .end(of: input.number) }
                    return .message(message, from: input.number, isHeard: isHeard)
                }
            }
        }
    }

    private func passOn(_ arrival: Arrival) async throws {
        switch arrival {
        case .message(let message, _, true): try await output.send(message)
        case .message(_, _, false), .change: break
        case .end(let number): remove(number)
        }
    }
}
