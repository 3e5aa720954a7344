import SluiceRuntime
import SluiceWire

/// The answer to a call with an id, which is kept for those that repeat the call. Its client is charged for it until it
/// is forgotten or freed.
final class KeptAnswer: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// The answer. Nil if it could not be kept.
    @exclusivity(unchecked) private(set) var body: Body?
    private let payer: ClientRecord
    /// The place among the client's answers.
    @exclusivity(unchecked) private var place: WaitTicket?

    init(_ body: Body?, for client: ClientRecord) {
        self.body = body
        payer = client
        guard let body else { return }
        place = client.keepAnswer(self, charging: Self.charge(for: body.count))
    }

    deinit { forget() }

    /// Frees the answer, so that repeated calls are in doubt.
    func forget() {
        guard let body, let place else { return }
        payer.dropAnswer(place, charging: Self.charge(for: body.count))
        self.body = nil
        self.place = nil
    }

    /// The bytes charged for an answer.
    static func charge(for byteCount: Int) -> Int { ObjectSize.keptAnswer + ObjectSize.bytes(byteCount) }
}

/// The answers that are kept for a client, the oldest first.
final class KeptAnswers {
    struct Unowned {
        unowned(unsafe) let answer: KeptAnswer
    }

    @exclusivity(unchecked) var queue = WaitQueue<Unowned>()
    @exclusivity(unchecked) var bytes = 0
}

extension ClientRecord {
    /// The bytes charged for answers that are kept for the client.
    var answerBytes: Int { answers?.bytes ?? 0 }

    /// Adds an answer, which removes itself before it is freed.
    fileprivate func keepAnswer(_ answer: KeptAnswer, charging bytes: Int) -> WaitTicket {
        let answers = answers ?? KeptAnswers()
        self.answers = answers
        charge(bytes)
        answers.bytes += bytes
        return answers.queue.append(KeptAnswers.Unowned(answer: answer))
    }

    fileprivate func dropAnswer(_ place: WaitTicket, charging bytes: Int) {
        charge(-bytes)
        answers?.bytes -= bytes
        _ = answers?.queue.remove(place)
        if answers?.queue.isEmpty == true { answers = nil }
    }

    /// Forgets the oldest answer that is kept for the client.
    ///
    /// - Returns: whether there was one.
    func forgetOldestAnswer() -> Bool {
        guard let oldest = answers?.queue.first?.answer else { return false }
        oldest.forget()
        return true
    }
}
