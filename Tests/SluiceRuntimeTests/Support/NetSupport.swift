import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

// What the tests of the network, the signals and the monitor share.

/// Collects values from any thread.
final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Lock<[Value]>([])

    var values: [Value] { recorded.withLock { $0 } }

    func record(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}

/// Waits until each of the tasks is parked. For a task on the same reactor.
func parked(_ tasks: [TaskRecord], location: SourceLocation = #_sourceLocation) async throws {
    try await until("parked: \(tasks.map(\.report))", sourceLocation: location) { tasks.allSatisfy(\.isParked) }
}

func parked(_ task: TaskRecord, location: SourceLocation = #_sourceLocation) async throws {
    try await parked([task], location: location)
}

extension TaskRecord {
    /// Whether the task stands in a wait of ours.
    var isParked: Bool { !report.hasSuffix("waits on nothing of the reactor's") }
}

extension Stream {
    /// Two streams on the reactor that are connected with each other.
    static func pair(on reactor: Reactor) throws -> (Stream, Stream) {
        var numbers: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &numbers) == 0)
        let peer = SocketAddress.unix(path: "")
        return (
            Stream(Descriptor(owning: numbers[0]), to: peer, on: reactor),
            Stream(Descriptor(owning: numbers[1]), to: peer, on: reactor)
        )
    }

    /// Reads until the peer has finished writing.
    func readAll() async throws(SluiceError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = try await read(upTo: 4096)
            if bytes.isEmpty { return all }
            all += bytes
        }
    }
}

/// An open file as the kernel knows it, which tells whether a descriptor's number still stands for it.
struct OpenFile: Hashable {
    private let inode: ino_t

    /// What the descriptor stands for now; nil when it is closed.
    init?(_ number: Int32) {
        var status = stat()
        guard fstat(number, &status) == 0 else { return nil }
        inode = status.st_ino
    }
}

/// The error that `body` throws.
func failure(of body: () async throws -> Void) async -> SluiceError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? SluiceError
    }
}

/// A path for a socket that no other test uses.
func temporarySocketPath(_ name: String) -> String {
    "/tmp/sluice-test-\(getpid())-\(name).sock"
}
