import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// After gevent's `wait_read` and `wait_write`.
@Suite(.bounded) struct WatchedDescriptorTests {
    @Test("A task waits until another library's descriptor can be read")
    func reading() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (here, there) = try socketPair()
            defer { close(here) }
            let watched = try WatchedDescriptor(here, name: "the database")
            let waiter = reactor.spawn { try await watched.waitReadable() }
            try await parked(waiter)
            #expect(waiter.report.hasSuffix("read from the database"))
            #expect(await failure { try await watched.waitReadable() }?.code == .misuse)
            try await watched.waitWritable()
            #expect(write(there, "x", 1) == 1)
            try await waiter.join()
            var byte: UInt8 = 0
            #expect(read(here, &byte, 1) == 1)
            #expect(await failure { try await watched.waitReadable(timeout: .zero) }?.code == .timedOut)
            close(there)
            try await watched.waitReadable()
            #expect(read(here, &byte, 1) == 0)
        }
    }

    @Test("The library may close its descriptor while a task waits")
    func closedElsewhere() throws {
        let reactor = try Reactor()
        try reactor.run {
            let (here, there) = try socketPair()
            let watched = try WatchedDescriptor(here)
            let waiter = reactor.spawn { try await watched.waitReadable() }
            try await parked(waiter)
            close(here)
            #expect(write(there, "x", 1) == 1)
            try await waiter.join()
            close(there)
            watched.close()
            #expect(await failure { try await watched.waitReadable() }?.code == .closed)
            #expect(await failure { _ = try WatchedDescriptor(-1) }?.errno == EBADF)
        }
    }

    @Test("A regular file is always ready")
    func regularFile() throws {
        try Reactor().run {
            let number = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
            defer { close(number) }
            let watched = try WatchedDescriptor(number)
            try await watched.waitReadable()
        }
    }
}
