/// What the untagged replies to come will answer, in order.
struct QuestionQueue {
    private var questions: [Session.Question] = []
    private var head = 0

    mutating func append(_ question: Session.Question) { questions.append(question) }

    mutating func popFirst() -> Session.Question? {
        guard head < questions.count else { return nil }
        defer {
            head += 1
            if head == questions.count {
                questions.removeAll(keepingCapacity: true)
                head = 0
            }
        }
        return questions[head]
    }

    /// Takes out the operations among them.
    mutating func removeAll() -> [Operation] {
        defer { self = QuestionQueue() }
        return questions[head...].compactMap { if case .operation(let operation) = $0 { operation } else { nil } }
    }
}
