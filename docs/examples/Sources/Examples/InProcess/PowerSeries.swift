// Power series as processes, after Doug McIlroy's "Squinting at Power Series" and Go's test/chan/powser1.go. A series is a
// process that sends its coefficients, exact fractions, one for each request. Series without end are added, multiplied and
// integrated by more processes, and a series may be defined by itself: the integral of exp, plus 1, is exp.
//
//     make example NAME=powser           runs this program
//     make example NAME=powser-go        runs the one in Go

import SluiceRuntime

func powser() throws {
    let reactor = try Reactor()
    // The processes run for ever. They are cancelled when the main task has ended.
    try reactor.run {
        let algebra = Algebra(reactor: reactor)
        let (one, zero) = (Fraction(1), Fraction(0))
        try await algebra.show("1/(1-x)", algebra.constant(one))
        try await algebra.show("2/(1-x)", algebra.sum(algebra.constant(one), algebra.constant(one)))
        try await algebra.show("1/(1-x)^2", algebra.product(algebra.constant(one), algebra.constant(one)))
        try await algebra.show("-log(1-x)", algebra.integral(algebra.constant(one), startingWith: zero))

        let exp = Series("exp")
        let (exp1, exp2) = algebra.split(exp)
        algebra.copy(algebra.integral(exp1, startingWith: one), to: exp)
        try await algebra.show("exp(x)", exp2)

        // The derivative of tan is 1 + tan².
        let tan = Series("tan")
        let (tan1, tan2) = algebra.split(tan)
        let (tan3, tan4) = algebra.split(tan1)
        let derivative = algebra.increased(algebra.product(tan3, tan4), by: one)
        algebra.copy(algebra.integral(derivative, startingWith: zero), to: tan)
        try await algebra.show("tan(x)", tan2)
    }
}

private struct Fraction: Sendable, CustomStringConvertible {
    let numerator: Int
    let denominator: Int

    init(_ numerator: Int, _ denominator: Int = 1) {
        let divisor = Self.greatestDivisor(numerator, denominator)
        self.numerator = numerator / divisor
        self.denominator = denominator / divisor
    }

    private static func greatestDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? max(abs(a), 1) : greatestDivisor(b, a % b)
    }

    static func + (left: Fraction, right: Fraction) -> Fraction {
        Fraction(
            left.numerator * right.denominator + right.numerator * left.denominator,
            left.denominator * right.denominator)
    }

    static func * (left: Fraction, right: Fraction) -> Fraction {
        Fraction(left.numerator * right.numerator, left.denominator * right.denominator)
    }

    var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }
}

/// A power series: a coefficient comes for each request.
private struct Series: Sendable {
    let requests: Channel<Void>
    let coefficients: Channel<Fraction>

    init(_ name: String = "") {
        requests = Channel(name: "requests for \(name)")
        coefficients = Channel(name: "coefficients of \(name)")
    }

    /// Gets the next coefficient.
    func next() async throws -> Fraction {
        try await requests.send(())
        return try await coefficients.receive() ?? Fraction(0)
    }

    /// Waits for a request, and answers it.
    func put(_ coefficient: () async throws -> Fraction) async throws {
        _ = try await requests.receive()
        try await coefficients.send(coefficient())
    }
}

private struct Algebra: Sendable {
    let reactor: Reactor

    func show(_ name: String, _ series: Series) async throws {
        var coefficients: [Fraction] = []
        for _ in 0..<8 { coefficients.append(try await series.next()) }
        print("\(name):", coefficients.map(\.description).joined(separator: " "))
    }

    /// Makes a series by a process.
    private func process(_ name: String, _ body: @escaping @Sendable (Series) async throws -> Void) -> Series {
        let result = Series(name)
        reactor.spawn(name) { try await body(result) }
        return result
    }

    /// c + cx + cx² + …
    func constant(_ value: Fraction) -> Series {
        process("constant") { result in while true { try await result.put { value } } }
    }

    func copy(_ source: Series, to result: Series) {
        reactor.spawn("copy") { try await copyAll(of: source, to: result) }
    }

    private func copyAll(of source: Series, to result: Series) async throws {
        while true { try await result.put { try await source.next() } }
    }

    func sum(_ left: Series, _ right: Series) -> Series {
        process("sum") { result in
            while true { try await result.put { try await left.next() + right.next() } }
        }
    }

    func scaled(_ source: Series, by factor: Fraction) -> Series {
        process("scaled") { result in while true { try await result.put { try await factor * source.next() } } }
    }

    /// Adds to the first coefficient.
    func increased(_ source: Series, by value: Fraction) -> Series {
        process("increased") { result in
            try await result.put { try await source.next() + value }
            try await copyAll(of: source, to: result)
        }
    }

    func integral(_ source: Series, startingWith first: Fraction) -> Series {
        process("integral") { result in
            try await result.put { first }
            for power in 1... { try await result.put { try await source.next() * Fraction(1, power) } }
        }
    }

    /// With F = f + xF′ and G = g + xG′: FG = fg + x(fG′ + gF′ + xF′G′).
    func product(_ left: Series, _ right: Series) -> Series {
        process("product") { result in
            _ = try await result.requests.receive()
            let (first, second) = (try await left.next(), try await right.next())
            try await result.coefficients.send(first * second)
            let (left1, left2) = split(left)
            let (right1, right2) = split(right)
            let middle = sum(scaled(right1, by: first), scaled(left1, by: second))
            try await result.put { try await middle.next() }
            try await copyAll(of: sum(middle, product(left2, right2)), to: result)
        }
    }

    /// Makes two series of one. Each may be ahead of the other one by any number of coefficients.
    func split(_ source: Series) -> (Series, Series) {
        let results = (Series("split"), Series("split"))
        let first = Channel<Void>(.buffered(capacity: 1), name: "turn to split")
        reactor.spawn("split") {
            try await first.send(())
            try await divide(source, into: results.0, results.1, after: first)
        }
        return results
    }

    /// Gives one coefficient to both results, the first of which may be the only one that wants it for now. Another process
    /// goes on behind this one with the next coefficient.
    private func divide(_ source: Series, into left: Series, _ right: Series, after turn: Channel<Void>) async throws {
        // The one behind serves the result that is ahead, and later, after this one has ended, the other one too.
        let (ahead, other, isTurn): (Series, Series, Bool) = try await select {
            left.requests.receiving { _ in (left, right, false) }
            right.requests.receiving { _ in (right, left, false) }
            turn.receiving { _ in
                try await select {
                    left.requests.receiving { _ in (left, right, true) }
                    right.requests.receiving { _ in (right, left, true) }
                }
            }
        }
        try await source.requests.send(())
        let next = Channel<Void>(.buffered(capacity: 1), name: "turn to split")
        guard let coefficient = try await source.coefficients.receive() else { return }
        reactor.spawn("split") { try await divide(source, into: ahead, other, after: next) }
        try await ahead.coefficients.send(coefficient)
        if !isTurn { _ = try await turn.receive() }
        try await other.put { coefficient }
        try await next.send(())
    }
}
