import SluiceRuntime

extension RunningProcess {
    /// Runs the concurrent sieve of McIlroy and Hoare: the numbers pass through a chain of filters, one for each prime
    /// found. All its channels are rendezvous, so the sieve computes at most one prime ahead of its receivers.
    ///
    /// A composite number has a factor up to its square root, so only primes up to the root of the limit get a filter.
    func sieve(to target: HubChannel, upTo limit: Int) async throws {
        while true {
            try await withNursery("sieve") { nursery in
                var numbers = Channel<Int>(name: "numbers")
                nursery.spawn("numbers") { [numbers] in
                    for number in 2...limit { try await numbers.send(number) }
                    numbers.close()
                }
                while let prime = try await numbers.receive() {
                    try await target.send("\(prime)")
                    count()
                    if prime <= limit / prime { numbers = nursery.filter(numbers, withoutMultiplesOf: prime) }
                }
            }
        }
    }
}

extension Nursery {
    fileprivate func filter(_ numbers: Channel<Int>, withoutMultiplesOf prime: Int) -> Channel<Int> {
        let others = Channel<Int>(name: "no multiples of \(prime)")
        spawn("filter of \(prime)") {
            for try await number in numbers where number % prime != 0 { try await others.send(number) }
            others.close()
        }
        return others
    }
}
