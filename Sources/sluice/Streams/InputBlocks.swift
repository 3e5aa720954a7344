import DequeModule
import Dispatch
import Foundation
import Glibc
import SluiceRuntime

/// Standard input, in blocks. A thread reads it: a file cannot be polled, and a terminal must not be made non-blocking,
/// because other programs share it.
final class InputBlocks: @unchecked Sendable {
    // Sendable: the reading thread uses only the semaphore. Everything else belongs to the reactor's thread.

    private static let blockBytes = 64 << 10
    /// How many blocks are read ahead.
    private static let ahead = 4

    private let descriptor: Int32
    private let reactor: Reactor
    private let gate: Gate
    /// Begins at 0, because libdispatch traps when a semaphore is released with less than it began with.
    private let demand = DispatchSemaphore(value: 0)
    private var blocks = Deque<[UInt8]>()
    private var isAtEnd = false
    private var failure: Failure?

    init(_ descriptor: Int32 = STDIN_FILENO, on reactor: Reactor) {
        self.descriptor = descriptor
        self.reactor = reactor
        gate = Gate("standard input", on: reactor)
        for _ in 0..<Self.ahead { demand.signal() }
        Thread.detachNewThread { [self] in readAll() }
    }

    private func readAll() {
        while true {
            demand.wait()
            let (block, error) = readOne()
            reactor.post { [self] in take(block, error) }
            if block.isEmpty { return }
        }
    }

    private func readOne() -> (block: [UInt8], error: Int32) {
        var error: Int32 = 0
        let block = [UInt8](unsafeUninitializedCapacity: Self.blockBytes) { buffer, count in
            var status = read(descriptor, buffer.baseAddress, buffer.count)
            while status < 0, errno == EINTR { status = read(descriptor, buffer.baseAddress, buffer.count) }
            if status < 0 { error = errno }
            count = max(status, 0)
        }
        return (block, error)
    }

    private func take(_ block: [UInt8], _ error: Int32) {
        if error != 0 { failure = Failure("cannot read standard input: \(String(cString: strerror(error)))") }
        if block.isEmpty { isAtEnd = true } else { blocks.append(block) }
        gate.open()
    }

    /// Returns the next block; nil at the end.
    func next() async throws -> [UInt8]? {
        while true {
            if let block = blocks.popFirst() {
                demand.signal()
                return block
            }
            if let failure { throw failure }
            if isAtEnd { return nil }
            try await gate.wait()
        }
    }

    /// Ends the input at once.
    func stop() {
        blocks = []
        isAtEnd = true
        gate.open()
    }
}
