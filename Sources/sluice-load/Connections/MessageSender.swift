/// A connection that sends messages, as many at a time as the depth allows, and times each until it is done.
final class MessageSender<Dialect: SendingDialect>: LoadConnection, LoadSource {
    private let thread: LoadThread
    private let identity: Int
    // Every message touches these, on one thread.
    @exclusivity(unchecked) private var dialect: Dialect
    @exclusivity(unchecked) private var number = 0
    @exclusivity(unchecked) private var places: Places

    init(_ thread: LoadThread, identity: Int, _ dialect: Dialect) {
        self.thread = thread
        self.identity = identity
        self.dialect = dialect
        places = Places(thread.plan.depth)
        super.init(on: thread.loop)
        self.dialect.greet(&output)
    }

    override func receive(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int {
        var used = 0
        while used < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            guard let answer = try dialect.answer(rest, &output) else { break }
            used += answer.length
            switch answer.meaning {
            case .ready: thread.countReady()
            case .nothing: break
            case .done(let place): try finish(place)
            }
        }
        if !output.isEmpty { queueOutput() }
        return used
    }

    private func finish(_ place: Int) throws(LoadFailure) {
        guard let begun = places.release(place) else {
            throw LoadFailure("sender \(identity) received an answer to a message it has not sent")
        }
        thread.finishOperation(begun: begun)
        if let intended = places.nextWaiting {
            guard thread.mayBegin() else { return }
            places.removeWaiting()
            send(intended)
        } else if thread.plan.rate == nil {
            fill()
        }
    }

    func fill() {
        while !places.isFull {
            if thread.isTooFarAhead { return thread.stall(self) }
            guard thread.mayBegin() else { return }
            send(loop.now)
        }
    }

    func begin(intended: Int) {
        guard places.nextWaiting == nil, !places.isFull, thread.mayBegin() else { return places.wait(intended) }
        send(intended)
    }

    @inline(__always)
    private func send(_ intended: Int) {
        guard let place = places.occupy(intended) else { return }
        if dialect.isUnanswered {
            _ = places.release(place)
            thread.finishOperation(begun: 0)
        }
        dialect.send(number, at: place, &output)
        number += 1
        queueOutput()
    }

    var waitingCount: Int { places.waitingCount }

    func sendFarewell() {
        dialect.farewell(&output)
        if !output.isEmpty { queueOutput() }
    }

    func report(to ledger: inout DeliveryLedger) {
        ledger.add(sender: identity, sent: number)
    }
}
