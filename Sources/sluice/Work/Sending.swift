import SluiceRuntime
import SluiceWire

/// Messages on their way to a channel, in their order: so many at a time that the way is always full, and never more than
/// can be answered for. On the reactor's thread only.
final class Sending {
    /// How many messages are on their way, and how many bytes; a single message may be longer.
    private static let window = 512
    private static let windowBytes = 4 << 20

    private let link: HubLink
    private let template: SendCommand
    private let gate: Gate
    private var underWay = 0
    private var bytesUnderWay = 0

    private var isStopped = false

    private(set) var tally = SendTally()
    /// Called for every message that is answered for.
    var onOutcome: () -> Void = {}

    /// - Parameter template: the command, but for the message.
    init(_ template: SendCommand, on link: HubLink) {
        self.link = link
        self.template = template
        gate = Gate("room for messages to \(template.channel)", on: link.reactor)
    }

    private var window: Int { min(Self.window, max(1, link.maxPending / 2)) }

    /// Waits until there is room, and sends the message; after `stop`, does nothing.
    ///
    /// - Parameter outcome: called with what came of it.
    func send(_ body: Body, outcome: ((HubLink.Answer) -> Void)? = nil) async throws {
        while underWay > 0, underWay >= window || bytesUnderWay + body.count > Self.windowBytes {
            try await gate.wait()
        }
        guard !isStopped else { return }
        var command = template
        command.body = .owned(body)
        let bytes = body.count
        underWay += 1
        bytesUnderWay += bytes
        link.request(.send(command)) { [self] answer in
            underWay -= 1
            bytesUnderWay -= bytes
            switch answer {
            case .reply(let reply): tally.count(reply)
            case .lost(let failure): tally.countLost(failure)
            }
            outcome?(answer)
            onOutcome()
            gate.open()
        }
    }

    /// Sends no more, and has what is on its way withdrawn where nobody has taken it.
    func stop() {
        isStopped = true
        link.finish()
        gate.open()
    }

    /// Waits until every message is answered for.
    func settle() async throws {
        while underWay > 0 { try await gate.wait() }
    }
}
