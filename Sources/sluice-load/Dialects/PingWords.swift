/// A question that is always the same, and answered in order.
struct PingWords {
    let request: [UInt8]
    let answer: [UInt8]
    let depth: Int
    var isGreeted = false
    private var place = -1

    init(request: String, answer: String, depth: Int) {
        self.request = Array(request.utf8)
        self.answer = Array(answer.utf8)
        self.depth = depth
    }

    @inline(__always)
    mutating func answer(_ bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> SendingAnswer? {
        guard try bytes.holds(answer, at: 0) != nil else { return nil }
        place = place + 1 == depth ? 0 : place + 1
        return SendingAnswer(length: answer.count, meaning: .done(place: place))
    }
}
