// A calculator service: callers send expressions, and workers answer them. The first worker dies before it has answered;
// the next one gets its expression, and the caller does not notice. A call that is repeated with its id gets the same
// answer, and nothing is computed again.
//
//     make example NAME=calculator-remote
//
// calculator-shell and calculator-python do the same with bc and in Python.

import SluiceClient

func calculatorRemote() async throws {
    try await withClient(daemonAddress) { client in
        let calculator = try client.channel("calculator")
        async let first = calculator.call("6 * 7", id: "6-7")
        try await dieBeforeAnswering()
        let worker = Task { try await work() }
        print("6 * 7 = \(try await first?.text ?? "?")")
        print("2 ^ 10 = \(try await calculator.call("2 ^ 10", id: "2-10")?.text ?? "?")")
        print("100 / 7 = \(try await calculator.call("100 / 7", id: "100-7")?.text ?? "?")")
        try await calculator.close()
        try await worker.value
        // Nobody is there to compute this again.
        print("6 * 7 = \(try await calculator.call("6 * 7", id: "6-7")?.text ?? "?")")
    }
}

/// Receives an expression, and loses the connection before it is answered.
private func dieBeforeAnswering() async throws {
    let client = try await Client.connect(daemonAddress)
    let delivery = try await client.channel("calculator").receive(lease: .seconds(10))
    print("a worker dies before it answers")
    await client.close()
    _ = delivery
}

private func work() async throws {
    try await withClient(daemonAddress) { client in
        for try await delivery in try client.channel("calculator").deliveries(lease: .seconds(10)) {
            try await delivery.answer(evaluate(delivery.message.text))
        }
    }
}

private func evaluate(_ expression: String) -> String {
    let words = expression.split(separator: " ")
    guard words.count == 3, let left = Int(words[0]), let right = Int(words[2]) else { return "?" }
    switch words[1] {
    case "*": return "\(left * right)"
    case "^": return "\((0..<right).reduce(1) { power, _ in power * left })"
    case "/": return right == 0 ? "?" : "\(left / right)"
    default: return "?"
    }
}
