import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct FileTests {
    @Test("What was written to a file can be read, and appended to")
    func writeAndRead() async throws {
        let path = "/tmp/sluice-test-\(getpid())-file"
        defer { unlink(path) }
        try await File.open(path, .writing, permissions: 0o600).write("first\n".utf8)
        let log = try await File.open(path, .appending)
        try await log.write("second\n".utf8)
        try await log.synchronize()
        let file = try await File.open(path)
        #expect(try await file.read(upTo: 6) == Array("first\n".utf8))
        #expect(try await file.readToEnd() == Array("second\n".utf8))
        #expect(try await file.read(upTo: 6) == [])
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("Errors name the file and say what is wrong")
    func errors() throws {
        try Reactor().run {
            let error = await failure { _ = try await File.open("/does/not/exist") }
            #expect(error?.errno == ENOENT)
            #expect(error?.message == "cannot open /does/not/exist: No such file or directory")
            #expect(await failure { _ = try await File.open("a\0b") }?.code == .misuse)
            let file = try await File.open("/dev/zero")
            #expect(await failure { _ = try await file.readToEnd(upTo: 1000) }?.code == .refused)
            #expect(await failure { try await file.write([1]) }?.errno == EBADF)
            #expect(await failure { _ = try await File.open("/tmp").read(upTo: 1) }?.errno == EISDIR)
        }
    }

    @Test("While a file makes a thread wait, the tasks of the reactor run")
    func doesNotBlock() throws {
        let reactor = try Reactor()
        try reactor.run {
            let path = "/tmp/sluice-test-\(getpid())-fifo"
            try #require(mkfifo(path, 0o600) == 0)
            defer { unlink(path) }
            // Opening either end of a named pipe waits for the other one.
            let reader = reactor.spawn { try await File.open(path).readToEnd() }
            try await File.open(path, .appending).write("hello".utf8)
            #expect(try await reader.join() == Array("hello".utf8))
        }
    }
}
