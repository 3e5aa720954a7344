import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// When thousands of sockets are ready at once, the first need not wait for the last.
@Suite(.bounded) struct CrowdedTurnTests {
    /// Reads what has arrived, and does the rest at the end of the turn.
    private final class Owner: SocketOwner, EndOfTurn {
        @exclusivity(unchecked) var socket = PolledSocket()
        private let reactor: Reactor
        private let waiting: Recorder<Int>
        private var buffer = [UInt8](repeating: 0, count: 8)

        init(_ descriptor: consuming Descriptor, on reactor: Reactor, _ waiting: Recorder<Int>) {
            (self.reactor, self.waiting) = (reactor, waiting)
            super.init()
            socket.open(DetachedSocket(descriptor: descriptor, tls: nil), on: reactor, ownedBy: self)
            socket.watch(reading: true, writing: false)
        }

        override func socketIsReadable() {
            _ = buffer.withUnsafeMutableBytes { socket.tryRead(into: $0) }
            waiting.record(1)
            reactor.atEndOfTurn(self)
        }

        override func socketIsWritable() {}
        override func socketIsUnwatchable() {}
        func turnEnds() { waiting.record(-1) }
    }

    @Test("In a crowded turn, owners are served before its end")
    func noMoreThanSomeWaitForTheEndOfATurn() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let waiting = Recorder<Int>()
        try reactor.run {
            var owners: [Owner] = []
            for _ in 0..<400 {
                let (other, own) = try socketPair()
                let peer = Descriptor(owning: other)
                owners.append(Owner(Descriptor(owning: own), on: reactor, waiting))
                try #require(write(peer.number, "x", 1) == 1)
            }
            while waiting.values.count { $0 < 0 } < owners.count { try await turn(of: reactor) }
            for owner in owners { owner.socket.close() }
        }
        var (count, most) = (0, 0)
        for change in waiting.values {
            count += change
            most = max(most, count)
        }
        #expect(count == 0)
        #expect(most <= 256)
    }

    /// Counts the sockets that were served in each turn.
    private final class TurnCounter: EndOfTurn {
        private let reactor: Reactor
        private var isWaiting = false
        private var served = 0
        /// The number of sockets served when a turn went on, and when one ended.
        private let (pauses, ends): (Recorder<Int>, Recorder<Int>)

        init(on reactor: Reactor, _ pauses: Recorder<Int>, _ ends: Recorder<Int>) {
            (self.reactor, self.pauses, self.ends) = (reactor, pauses, ends)
        }

        func serve() {
            served += 1
            waitForEnd()
        }

        private func waitForEnd() {
            if !isWaiting { reactor.atEndOfTurn(self) }
            isWaiting = true
        }

        func turnContinues() {
            isWaiting = false
            pauses.record(served)
            waitForEnd()
        }

        func turnEnds() {
            isWaiting = false
            ends.record(served)
            served = 0
        }
    }

    /// Does not read, so that its socket stays readable.
    private final class ReadyOwner: SocketOwner {
        @exclusivity(unchecked) var socket = PolledSocket()
        private let counter: TurnCounter

        init(_ descriptor: consuming Descriptor, on reactor: Reactor, _ counter: TurnCounter) {
            self.counter = counter
            super.init()
            socket.open(DetachedSocket(descriptor: descriptor, tls: nil), on: reactor, ownedBy: self)
            socket.watch(reading: true, writing: false)
        }

        override func socketIsReadable() { counter.serve() }
        override func socketIsWritable() {}
        override func socketIsUnwatchable() {}
    }

    @Test("A turn ends once, however many sockets are ready in it")
    func aTurnEndsOnce() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let (pauses, ends) = (Recorder<Int>(), Recorder<Int>())
        let count = 700
        try reactor.run {
            let counter = TurnCounter(on: reactor, pauses, ends)
            var (owners, peers): ([ReadyOwner], [Int32]) = ([], [])
            defer { for peer in peers { close(peer) } }
            for _ in 0..<count {
                let (peer, own) = try socketPair()
                peers.append(peer)
                owners.append(ReadyOwner(Descriptor(owning: own), on: reactor, counter))
                try #require(write(peer, "x", 1) == 1)
            }
            // libev asks the kernel for more events in each turn.
            for _ in 0..<12 where ends.values.last != count { try await turn(of: reactor) }
            for owner in owners { owner.socket.close() }
        }
        #expect(ends.values.last == count)
        #expect(pauses.values.suffix(2) == [256, 512])
    }

    @Test("If it takes long to serve many sockets, those that are left are served in the next turns, unless they close")
    func aTurnHasAnEnd() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let (pauses, ends, served) = (Recorder<Int>(), Recorder<Int>(), Recorder<Int>())
        let count = 1000
        let closing = Recorder<Int>()
        try reactor.run {
            var closed: Set<Int> = []
            let counter = TurnCounter(on: reactor, pauses, ends)
            var (owners, peers): ([SlowOwner], [Int32]) = ([], [])
            defer { for peer in peers { close(peer) } }
            for number in 0..<count {
                let (peer, own) = try socketPair()
                peers.append(peer)
                let owner = SlowOwner(Descriptor(owning: own), on: reactor, counter)
                owners.append(owner)
                owner.whenServed = {
                    clock.advance(by: .microseconds(20))
                    served.record(number)
                }
                try #require(write(peer, "x", 1) == 1)
            }
            while Set(served.values).count + closed.count < count {
                try await turn(of: reactor)
                // Some of these are left from the turn that has just ended.
                for number in stride(from: 0, to: count, by: 37) where !served.values.contains(number) {
                    guard closed.count < 10, ends.values.count >= 4 else { continue }
                    owners[number].socket.close()
                    closed.insert(number)
                    closing.record(number)
                }
            }
            for owner in owners { owner.socket.close() }
        }
        let closed = Set(closing.values)
        #expect(served.values.count == count - closed.count && closed.isDisjoint(with: served.values))
        #expect(ends.values.max() == 256, "256 of them take longer than a turn may take")
        #expect(pauses.values.contains(256))
    }

    /// Is served once.
    private final class SlowOwner: SocketOwner {
        @exclusivity(unchecked) var socket = PolledSocket()
        @exclusivity(unchecked) var whenServed: () -> Void = {}
        private let counter: TurnCounter

        init(_ descriptor: consuming Descriptor, on reactor: Reactor, _ counter: TurnCounter) {
            self.counter = counter
            super.init()
            socket.open(DetachedSocket(descriptor: descriptor, tls: nil), on: reactor, ownedBy: self)
            socket.watch(reading: true, writing: false)
        }

        override func socketIsReadable() {
            guard socket.isOpen else { return }
            counter.serve()
            whenServed()
            socket.watch(reading: false, writing: false)
        }
        override func socketIsWritable() {}
        override func socketIsUnwatchable() {}
    }

    /// Belongs to a group, and records its number when it is served.
    private final class GroupMember: SocketOwner {
        @exclusivity(unchecked) var socket = PolledSocket()
        private let group: Int?
        private let number: Int
        private let served: Recorder<Int>

        init(
            _ descriptor: consuming Descriptor, on reactor: Reactor, _ group: Int?, _ number: Int,
            _ served: Recorder<Int>
        ) {
            self.group = group
            (self.number, self.served) = (number, served)
            super.init()
            socket.open(DetachedSocket(descriptor: descriptor, tls: nil), on: reactor, ownedBy: self)
            socket.watch(reading: true, writing: false)
        }

        override var socketGroup: Int? { group }
        override func socketIsReadable() { served.record(number) }
        override func socketIsWritable() {}
        override func socketIsUnwatchable() {}
    }

    @Test("In a crowded turn, a few sockets of each group are served before the others of a large group")
    func fewOfEachGroupAreServedFirst() throws {
        let reactor = try Reactor(clock: ManualReactorClock())
        let served = Recorder<Int>()
        let count = 500
        try reactor.run {
            var (owners, peers): ([GroupMember], [Int32]) = ([], [])
            defer { for peer in peers { close(peer) } }
            // Nearly all are of one group, one is of another, and one of none.
            for number in 0..<count {
                let (peer, own) = try socketPair()
                peers.append(peer)
                let group = number < count - 2 ? 0 : number < count - 1 ? 1 : nil
                owners.append(GroupMember(Descriptor(owning: own), on: reactor, group, number, served))
                try #require(write(peer, "x", 1) == 1)
            }
            // libev asks the kernel for more events in each turn.
            for _ in 0..<12 { try await turn(of: reactor) }
            for owner in owners { owner.socket.close() }
        }
        let lastTurn = served.values.suffix(count)
        #expect(Set(lastTurn).count == count)
        let places = (count - 2..<count).compactMap { number in
            lastTurn.firstIndex(of: number).map { $0 - lastTurn.startIndex }
        }
        #expect(places.count == 2 && places.allSatisfy { $0 < 18 })
    }
}
