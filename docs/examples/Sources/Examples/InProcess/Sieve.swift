// The concurrent sieve of Eratosthenes, the oldest program of CSP (Hoare 1978, after McIlroy): a green task for each
// prime passes on the numbers that its prime does not divide. The first number that comes out of a filter is the next
// prime.
//
//     make example NAME=sieve
//
// sieve-remote does the same with a connection for each prime, sieve-nc with netcat and a shell script.

import SluiceRuntime

func sieve() throws {
    let reactor = try Reactor()
    try reactor.run {
        var numbers = Channel<Int>(name: "numbers")
        reactor.spawn("count") { [numbers] in
            for number in 2...2000 { try await numbers.send(number) }
            numbers.close()
        }
        while let prime = try await numbers.receive() {
            print(prime)
            let rest = Channel<Int>(name: "past \(prime)")
            reactor.spawn("filter \(prime)") { [numbers] in
                for try await number in numbers where !number.isMultiple(of: prime) { try await rest.send(number) }
                rest.close()
            }
            numbers = rest
        }
    }
}
