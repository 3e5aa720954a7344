import TestSupport
import Testing

@testable import SluiceRuntime

/// The behaviour that Go's `test/chan` tests.
@Suite(.bounded) struct GoChannelTests {
    // MARK: select6.go

    /// Removing the last select from a channel's queue must not corrupt the queue for later waiters.
    @Test("A select removes its other arms from their queues and leaves the rest in order")
    func aSelectThatTookAnotherArmLeavesTheQueuesOfItsOthersWhole() throws {
        let (first, second, third) = (Channel<Bool>(), Channel<Bool>(), Channel<Bool>())
        let reactor = try Reactor()
        try reactor.run {
            let receiver = reactor.spawn { _ = try await first.receive() }
            let chooser = reactor.spawn {
                try await select {
                    first.receiving { #expect($0 == nil, "nothing was sent there") }
                    second.receiving { _ in try await third.send(true) }
                }
                _ = try await first.receive()
            }
            let sender = reactor.spawn { try await second.send(true) }
            #expect(try await third.receive() == true)
            try await first.send(true)
            try await first.send(true)
            for task in [receiver, chooser] { try await task.join() }
            try await sender.join()
        }
        #expect([first, second, third].map(\.parkedCount) == [0, 0, 0])
    }

    // MARK: fifo.go

    @Test("A buffered channel is first in, first out")
    func aBufferedChannelIsFirstInFirstOut() throws {
        try Reactor().run {
            let channel = Channel<Int>(.buffered(capacity: 10))
            for number in 0..<10 { try await channel.send(number) }
            for number in 0..<10 { #expect(try await channel.receive() == number) }
        }
    }

    @Test("A rendezvous channel is first in, first out")
    func aRendezvousIsFirstInFirstOut() throws {
        let reactor = try Reactor()
        try reactor.run {
            let channel = Channel<Int>()
            let start = Channel<Int>()
            var last = start
            // A daisy chain: each link receives its number after the previous link has.
            for number in 0..<10 {
                let (before, after) = (last, Channel<Int>())
                reactor.spawn {
                    _ = try await before.receive()
                    #expect(try await channel.receive() == number)
                    try await after.send(1)
                }
                last = after
            }
            try await start.send(0)
            for number in 0..<10 { try await channel.send(number) }
            #expect(try await last.receive() == 1)
        }
    }

    // MARK: sieve1.go

    @Test("The prime sieve finds the primes")
    func theSieveFindsThePrimes() throws {
        let reactor = try Reactor()
        let primes: [Int] = try reactor.run {
            var numbers = Channel<Int>()
            reactor.spawn { [numbers] in
                for number in 2... { try await numbers.send(number) }
            }
            var primes: [Int] = []
            while primes.count < 100 {
                guard let prime = try await numbers.receive() else { break }
                primes.append(prime)
                let rest = Channel<Int>()
                reactor.spawn { [numbers] in
                    while let number = try await numbers.receive() {
                        if number % prime != 0 { try await rest.send(number) }
                    }
                }
                numbers = rest
            }
            return primes
        }
        #expect(primes == (2...541).filter { number in !(2..<number).contains { number % $0 == 0 } })
    }
}
