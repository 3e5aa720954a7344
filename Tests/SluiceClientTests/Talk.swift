import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceClient

/// A conversation, and the server that the test plays.
final class Talk {
    var conversation: ClientConversation
    private var reader = ReplyReader()
    var now: UInt64 = 0
    /// The events of the operations in order: the verb, and what was told.
    private(set) var told: [String] = []
    private(set) var change: ConversationChange?
    /// Whether the timer was to be set again.
    private(set) var needsAlarm = false

    init(label: ChannelName? = nil, credentials: Credentials? = nil) {
        conversation = ClientConversation(label: label, credentials: credentials)
    }

    func connect() {
        reader = ReplyReader()
        take(conversation.connected(now: now))
    }

    /// Connects, and answers the greeting and the `PING` that asks whether credentials are required.
    func begin(epoch: Int = 1, tags: Int = 1024) throws {
        connect()
        try hear("OK version=1 epoch=\(epoch) max-tags=\(tags)\nOK\n")
        _ = said
    }

    @discardableResult
    func ask(_ command: Command, connection: Int? = nil) -> Operation {
        let operation = Operation(command, connection: connection)
        take(conversation.submit(operation) { [now] in now })
        return operation
    }

    func hear(_ text: String) throws {
        let replies = try Array(text.utf8).withUnsafeBytes { try reader.read($0) }
        take(conversation.heard(replies) { [now] in now })
    }

    func cancel(_ operation: Operation) { take(conversation.cancel(operation)) }
    func lose(_ cause: SluiceError = SluiceError(.disconnected, "gone"), isFinal: Bool = false) {
        take(conversation.lost(cause, isFinal: isFinal))
    }
    func close() { take(conversation.close()) }
    func expectNobody() { take(conversation.expectNobody()) }
    func expire() { take(conversation.expire(now: now)) }
    func checkLife(keepAlive: Duration? = .seconds(10)) -> Bool {
        let (isAlive, actions) = conversation.checkLife(keepAlive: keepAlive, now: now)
        take(actions)
        return isAlive
    }

    /// Whether a write has been requested.
    var wantsToWrite: Bool { conversation.isFlushRequested }

    /// The output since the last call.
    var said: String { String(decoding: conversation.takeOutput(), as: UTF8.self) }

    private func take(_ actions: ConversationActions) {
        change = actions.change ?? change
        needsAlarm = needsAlarm || actions.needsAlarm
        for (operation, event) in actions.events {
            let text =
                switch event {
                case .part(let reply, _): "part \(reply.word)"
                case .ended(.reply(let reply, _)): reply.word
                case .ended(.failed(let error)): error.code.description
                }
            told.append("\(operation.command.verb.rawValue) \(text)")
        }
    }
}

extension Reply {
    fileprivate var word: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes.prefix { $0 != 0x20 && $0 != 0x0A }, as: UTF8.self)
    }
}
