import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct NetStreamTests {
    // MARK: Reading

    @Test("A reader waits for bytes")
    func aReaderWaitsForBytes() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let reader = reactor.spawn { try await near.read(upTo: 100) }
            try await parked(reader)
            try await far.write("hello".utf8)
            #expect(try await reader.join() == Array("hello".utf8))
        }
    }

    @Test("Shutting down the writing side leaves the other direction open")
    func finishingToWriteLeavesTheOtherDirectionOpen() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            try await near.write("question".utf8)
            try near.shutdownWrite()
            #expect(try await far.readAll() == Array("question".utf8))
            #expect(try await far.read(upTo: 1) == [], "the end stays")
            try await far.write("answer".utf8)
            far.close()
            #expect(try await near.readAll() == Array("answer".utf8))
        }
    }

    @Test("A cancelled read loses nothing")
    func aCancelledReadLosesNothing() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let reader = reactor.spawn { try await near.read(upTo: 100) }
            try await parked(reader)
            reader.cancel()
            try await far.write("kept".utf8)
            #expect(await failure { _ = try await reader.join() }?.code == .cancelled)
            #expect(try await near.read(upTo: 100) == Array("kept".utf8))
        }
    }

    @Test("A read that is cancelled as bytes arrive loses nothing")
    func aReadThatIsCancelledAsTheBytesArriveEndsOneWayOrTheOtherAndLosesNothing() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            for round in 0..<200 {
                let reader = reactor.spawn { try await near.read(upTo: 1) }
                try await parked(reader)
                try await far.write(CollectionOfOne(UInt8(round)))
                // The number of jobs between the arrival and the cancellation varies.
                for _ in 0..<round { await Task.yield() }
                reader.cancel()
                let early = try? await reader.join()
                let byte = if let early { early } else { try await near.read(upTo: 1) }
                #expect(byte == [UInt8(round)])
            }
        }
    }

    @Test("A read that times out loses nothing")
    func aReadTimesOutAndLosesNothing() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let reader = reactor.spawn { try await near.read(upTo: 100, timeout: .seconds(5)) }
            try await parked(reader)
            clock.advance(by: .seconds(4))
            for _ in 0..<3 { try await turn(of: reactor) }
            #expect(reader.outcome == nil)
            clock.advance(by: .seconds(1))
            #expect(await failure { _ = try await reader.join() }?.code == .timedOut)
            try await far.write("late".utf8)
            #expect(try await near.read(upTo: 100) == Array("late".utf8))
        }
    }

    @Test("A child task reads, and is cancelled with its parent")
    func aChildTaskReadsAndIsCancelledLikeItsParent() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask { try await near.read(upTo: 100) }
                try await until("the child task reads") { near.watch.hasReader }
                group.cancelAll()
                #expect(await failure { _ = try await group.next() }?.code == .cancelled)
            }
            async let bytes = near.read(upTo: 100)
            try await far.write("kept".utf8)
            #expect(try await bytes == Array("kept".utf8))
        }
    }

    @Test("Only one task reads at a time")
    func onlyOneTaskReadsAtATime() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let reader = reactor.spawn { try await near.read(upTo: 100) }
            try await parked(reader)
            #expect(await failure { _ = try await near.read(upTo: 100) }?.code == .misuse)
            #expect(await failure { try await near.waitReadable() }?.code == .misuse)
            try await far.write("x".utf8)
            #expect(try await reader.join() == Array("x".utf8))
        }
    }

    @Test("Reading into an empty buffer is misuse")
    func anEmptyBufferIsMisuse() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, _) = try Stream.pair(on: reactor)
            #expect(await failure { _ = try await near.read(upTo: 0) }?.code == .misuse)
        }
    }

    @Test("A stream can only be used on its reactor")
    func aStreamIsOfUseOnItsReactorOnly() async throws {
        let (near, _) = try Stream.pair(on: try Reactor())
        #expect(await failure { _ = try await near.read(upTo: 1) }?.code == .misuse)
        #expect(await failure { try await near.write("x".utf8) }?.code == .misuse)
        #expect(await failure { _ = try await Stream.connect(to: .ipv4(0x7f00_0001, port: 1)) }?.code == .misuse)
    }

    // MARK: Writing

    @Test("A writer waits until the reader reads")
    func aWriterWaitsUntilTheReaderReads() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let bytes = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let writer = reactor.spawn {
                try await near.write(bytes)
                near.close()
            }
            try await parked(writer)
            #expect(writer.report.contains("write to"))
            #expect(try await far.readAll() == bytes)
            try await writer.join()
        }
    }

    @Test("A write times out when the peer reads nothing")
    func aWriterGivesUpWhenThePeerTakesNothingForTooLong() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let writer = reactor.spawn {
                try await near.write(repeatElement(7, count: 4_000_000), timeout: .seconds(10))
            }
            try await parked(writer)
            clock.advance(by: .seconds(10))
            #expect(await failure { try await writer.join() }?.code == .timedOut)
            far.close()
        }
    }

    @Test("Bytes without contiguous storage are written too")
    func bytesThatLieInNoContiguousStorageAreWrittenAsWell() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            try await near.write((0..<5).lazy.map { UInt8($0) })
            try await near.write("\(near.peerAddress) and a longer text".utf8)
            try await near.write([1, 2, 3][1...])
            near.close()
            #expect(try await far.readAll() == [0, 1, 2, 3, 4] + "unix: and a longer text".utf8 + [2, 3])
        }
    }

    @Test("Writing to a closed peer is an error of that write")
    func writingToAPeerThatIsGoneIsAnErrorOfThatWrite() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            far.close()
            let error = await failure { try await near.write("x".utf8) }
            #expect(error?.code == .system)
            #expect(error?.errno == EPIPE)
        }
    }

    // MARK: Ending

    @Test("Closing a stream ends other tasks' waits on it")
    func closingEndsTheWaitsOfOtherTasks() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let reader = reactor.spawn { try await near.read(upTo: 1) }
            let writer = reactor.spawn { try await near.write(repeatElement(0, count: 4_000_000)) }
            try await parked([reader, writer])
            defer { far.close() }
            near.close()
            near.close()
            #expect(await failure { _ = try await reader.join() }?.code == .closed)
            #expect(await failure { try await writer.join() }?.code == .closed)
            #expect(await failure { _ = try await near.read(upTo: 1) }?.code == .closed)
            #expect(await failure { try await near.write("x".utf8) }?.code == .closed)
            #expect(await failure { try near.shutdownWrite() }?.code == .closed)
        }
    }

    @Test("A closed descriptor's number serves the next stream undisturbed")
    func aClosedDescriptorsNumberServesTheNextStreamUndisturbed() throws {
        let reactor = try Reactor()
        try reactor.run {
            for _ in 0..<100 {
                let (near, far) = try Stream.pair(on: reactor)
                let reader = reactor.spawn { try await near.read(upTo: 1) }
                try await parked(reader)
                // The event is pending when the descriptor is closed, and its number is reused at once.
                try await far.write("stale".utf8)
                near.close()
                let (next, peer) = try Stream.pair(on: reactor)
                let nextReader = reactor.spawn { try await next.read(upTo: 10) }
                try await parked(nextReader)
                #expect(await failure { _ = try await reader.join() }?.code == .closed)
                try await turn(of: reactor)
                #expect(nextReader.outcome == nil)
                try await peer.write("fresh".utf8)
                #expect(try await nextReader.join() == Array("fresh".utf8))
            }
        }
    }

    @Test("A stream is closed when nothing refers to it")
    func aStreamThatNobodyRefersToIsClosed() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let (number, file) = try await Self.readOnce(from: near, far)
            #expect(OpenFile(number) == file)
        }
        // The task and all its references are gone.
        let (numbers, files) = try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            let entries = [near.descriptorNumber, far.descriptorNumber]
            _ = try await Self.readOnce(from: near, far)
            return (entries, entries.map { OpenFile($0) })
        }
        for (number, file) in zip(numbers, files) { #expect(OpenFile(number) != file) }
    }

    private static func readOnce(from near: Stream, _ far: Stream) async throws -> (Int32, OpenFile?) {
        let reader = near.reactor.spawn { try await near.read(upTo: 1) }
        try await parked(reader)
        try await far.write("x".utf8)
        _ = try await reader.join()
        return (near.descriptorNumber, OpenFile(near.descriptorNumber))
    }

    @Test("A stream released on another thread is closed with its reactor at the latest")
    func aStreamReleasedOnAnotherThreadIsClosed() throws {
        var reactor: Reactor? = try Reactor()
        var near: Stream? = try reactor?.run { [reactor] in
            let (near, far) = try Stream.pair(on: try #require(reactor))
            _ = try await Self.readOnce(from: near, far)
            return near
        }
        let number = try #require(near?.descriptorNumber)
        let file = OpenFile(number)
        #expect(near?.watch.isRegistered == true)
        near = nil
        reactor = nil
        #expect(OpenFile(number) != file)
    }

    @Test("A peer that hangs up while nobody reads does not keep the loop busy")
    func aPeerThatHangsUpWhileNobodyReadsDoesNotKeepTheLoopBusy() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (near, far) = try Stream.pair(on: reactor)
            _ = try await Self.readOnce(from: near, far)
            #expect(near.watch.isRegistered, "the watch stays on for the next read")
            far.close()
            while near.watch.isRegistered { try await turn(of: reactor) }
            #expect(try await near.read(upTo: 1) == [])
        }
    }

    @Test("A task that waits for a descriptor is not deadlocked")
    func aTaskThatWaitsForADescriptorIsNoDeadlock() throws {
        let reactor = try Reactor()
        let (near, far) = try Stream.pair(on: reactor)
        let number = far.descriptorNumber
        try reactor.run {
            let channel = Channel<Int>()
            let forwarder = reactor.spawn {
                _ = try await near.read(upTo: 1)
                try await channel.send(1)
            }
            try await parked(forwarder)
            // Another thread writes while this one waits in the kernel.
            onOwnThread { #expect(write(number, "x", 1) == 1) }
            #expect(try await channel.receive() == 1)
        }
        withExtendedLifetime(far) {}
    }
}
