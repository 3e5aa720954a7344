/// A connection that receives messages and checks each.
final class MessageReceiver<Dialect: ReceivingDialect>: LoadConnection, LoadSink {
    private let thread: LoadThread
    // Every message touches these, on one thread.
    @exclusivity(unchecked) private var dialect: Dialect
    /// One for each of `senders`, in their order.
    @exclusivity(unchecked) private var tallies: [SenderTally]
    /// The senders whose messages may arrive here.
    private let senders: StrideTo<Int>
    private let first: Int
    private let stride: Int

    /// - Parameter senders: the senders that use this receiver's channels.
    init(_ thread: LoadThread, senders: StrideTo<Int>, _ dialect: Dialect) {
        self.thread = thread
        self.dialect = dialect
        self.senders = senders
        let identities = Array(senders)
        first = identities.first ?? 0
        stride = identities.count > 1 ? identities[1] - identities[0] : 1
        tallies = Array(repeating: SenderTally(), count: identities.count)
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
            case .message(let body):
                try check(UnsafeRawBufferPointer(rebasing: rest[body]))
                dialect.proceed(after: rest, &output)
                thread.countReceipt()
            }
        }
        if !output.isEmpty { queueOutput() }
        return used
    }

    @inline(__always)
    private func check(_ body: UnsafeRawBufferPointer) throws(LoadFailure) {
        guard let (sender, number) = thread.pattern.read(body) else {
            throw LoadFailure(expected: "a message of this run", found: body)
        }
        let place = (sender - first) / stride
        guard sender >= first, place < tallies.count, first + place * stride == sender else {
            throw LoadFailure("a message of sender \(sender) arrived on a channel that it does not use")
        }
        guard tallies[place].record(number) else {
            throw LoadFailure("message \(number) of sender \(sender) arrived after its message \(tallies[place].last)")
        }
    }

    func report(to ledger: inout DeliveryLedger) {
        ledger.add(receiver: Dictionary(uniqueKeysWithValues: zip(senders, tallies)))
    }
}
