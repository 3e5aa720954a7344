/// Sends messages, one after the other, as many at a time as the depth says, and times each until it is done.
final class Sender<Dialect: SendingDialect>: LoadConnection, Sending {
    private let crew: Crew
    private let identity: Int
    @exclusivity(unchecked) private var dialect: Dialect
    @exclusivity(unchecked) private var number = 0
    @exclusivity(unchecked) private var places: Places

    init(_ crew: Crew, identity: Int, _ dialect: Dialect) {
        self.crew = crew
        self.identity = identity
        self.dialect = dialect
        places = Places(crew.plan.depth)
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
        guard let begun = places.finish(place) else {
            throw LoadFailure("sender \(identity) has an answer to what it has not sent")
        }
        crew.done(begun: begun)
        if let intended = places.nextWaiting {
            guard crew.mayBegin() else { return }
            places.removeWaiting()
            send(intended)
        } else if crew.plan.rate == nil {
            fill()
        }
    }

    func fill() {
        while !places.isFull {
            if crew.isTooFarAhead { return crew.stall(self) }
            guard crew.mayBegin() else { return }
            send(loop.now)
        }
    }

    func begin(intended: Int) {
        guard places.nextWaiting == nil, !places.isFull, crew.mayBegin() else { return places.wait(intended) }
        send(intended)
    }

    @inline(__always)
    private func send(_ intended: Int) {
        guard let place = places.take(intended) else { return }
        if dialect.isUnanswered {
            _ = places.finish(place)
            crew.done(begun: 0)
        }
        dialect.send(number, at: place, &output)
        number += 1
        speak()
    }

    var waitingCount: Int { places.waitingCount }

    func part() {
        dialect.farewell(&output)
        if !output.isEmpty { speak() }
    }

    func report(_ account: inout Account) {
        account.add(sender: identity, sent: number)
    }
}
