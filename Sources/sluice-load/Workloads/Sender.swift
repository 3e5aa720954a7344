/// Sends messages, one after the other, as many at a time as the depth says, and times each until it is done.
final class Sender<Dialect: SendingDialect>: LoadConnection, Sending {
    private let crew: Crew
    private let identity: Int
    @exclusivity(unchecked) private var dialect: Dialect
    @exclusivity(unchecked) private var number = 0
    /// When the message at each place was to begin; 0 for none.
    @exclusivity(unchecked) private var begun: [Int]
    /// The places that are free, the one that was free first being the next: servers without tags answer in order.
    @exclusivity(unchecked) private var free: Ring
    /// When operations were to begin that wait for a place.
    @exclusivity(unchecked) private var waiting = Ring()

    init(_ crew: Crew, identity: Int, _ dialect: Dialect) {
        self.crew = crew
        self.identity = identity
        self.dialect = dialect
        begun = Array(repeating: 0, count: crew.plan.depth)
        free = Ring(0..<crew.plan.depth)
        super.init(on: crew.loop)
        self.dialect.greet(&output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        var used = 0
        while used < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            guard let answer = try dialect.answer(rest, &output) else { break }
            used += answer.length
            switch answer.meaning {
            case .ready: crew.isReady()
            case .nothing: break
            case .done(let place): try done(place)
            }
        }
        if !output.isEmpty { speak() }
        return used
    }

    private func done(_ place: Int) throws(LoadFailure) {
        guard place < begun.count, begun[place] != 0 else {
            throw LoadFailure("sender \(identity) has an answer to what it has not sent")
        }
        crew.done(begun: begun[place])
        begun[place] = 0
        free.append(place)
        if let intended = waiting.first {
            guard crew.mayBegin() else { return }
            waiting.removeFirst()
            send(intended)
        } else if crew.plan.rate == nil {
            fill()
        }
    }

    func fill() {
        while !free.isEmpty {
            if crew.isTooFarAhead { return crew.stall(self) }
            guard crew.mayBegin() else { return }
            send(loop.now)
        }
    }

    func begin(intended: Int) {
        guard waiting.isEmpty, !free.isEmpty, crew.mayBegin() else { return waiting.append(intended) }
        send(intended)
    }

    @inline(__always)
    private func send(_ intended: Int) {
        guard let place = free.first else { return }
        if dialect.isUnanswered {
            crew.done(begun: 0)
        } else {
            free.removeFirst()
            begun[place] = intended
        }
        dialect.send(number, at: place, &output)
        number += 1
        speak()
    }

    var waitingCount: Int { waiting.count }

    func part() {
        dialect.farewell(&output)
        if !output.isEmpty { speak() }
    }

    func report(_ account: inout Account) {
        account.add(sender: identity, sent: number)
    }
}
