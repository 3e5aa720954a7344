/// Receives messages, one after the other, and checks each.
final class Receiver<Dialect: ReceivingDialect>: LoadConnection, Receiving {
    private let crew: Crew
    @exclusivity(unchecked) private var dialect: Dialect
    /// Of each sender, by its place among `senders`.
    @exclusivity(unchecked) private var tallies: [Tally]
    /// The senders that may be heard here.
    private let senders: StrideTo<Int>
    private let first: Int
    private let stride: Int

    /// - Parameter senders: the senders whose channel this is.
    init(_ crew: Crew, senders: StrideTo<Int>, _ dialect: Dialect) {
        self.crew = crew
        self.dialect = dialect
        self.senders = senders
        let identities = Array(senders)
        first = identities.first ?? 0
        stride = identities.count > 1 ? identities[1] - identities[0] : 1
        tallies = Array(repeating: Tally(), count: identities.count)
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
            case .message(let body):
                try check(UnsafeRawBufferPointer(rebasing: rest[body]))
                dialect.proceed(after: rest, &output)
                crew.receivedOne()
            }
        }
        if !output.isEmpty { speak() }
        return used
    }

    @inline(__always)
    private func check(_ body: UnsafeRawBufferPointer) throws(LoadFailure) {
        guard let (sender, number) = crew.pattern.read(body) else {
            throw LoadFailure(expected: "a message of this run", found: body)
        }
        let place = (sender - first) / stride
        guard sender >= first, place < tallies.count, first + place * stride == sender else {
            throw LoadFailure("a message of sender \(sender) has come on a channel on which it sends nothing")
        }
        guard tallies[place].take(number) else {
            throw LoadFailure("message \(number) of sender \(sender) has come after its message \(tallies[place].last)")
        }
    }

    func report(_ account: inout Account) {
        account.add(receiver: Dictionary(uniqueKeysWithValues: zip(senders, tallies)))
    }
}
