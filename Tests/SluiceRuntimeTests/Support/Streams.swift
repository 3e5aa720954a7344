import Glibc
import Synchronization
import Testing

@testable import SluiceRuntime

/// Makes two sockets that are connected to each other and do not block. Returns their descriptors.
func socketPair() throws -> (Int32, Int32) {
    var numbers: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, kind, 0, &numbers) == 0)
    return (numbers[0], numbers[1])
}

extension Stream {
    /// Makes two streams on the reactor that are connected to each other.
    static func pair(on reactor: Reactor) throws -> (Stream, Stream) {
        let (first, second) = try socketPair()
        let peer = SocketAddress.unix(path: "")
        return (
            Stream(Descriptor(owning: first), to: peer, on: reactor),
            Stream(Descriptor(owning: second), to: peer, on: reactor)
        )
    }

    /// Reads until the end of the stream.
    func readAll() async throws(SluiceError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = try await read(upTo: 4096)
            if bytes.isEmpty { return all }
            all += bytes
        }
    }
}

/// The identity of an open file, which tells whether a descriptor's number still refers to it.
struct OpenFile: Hashable {
    private let inode: ino_t

    /// The file that the descriptor refers to now; nil when it is closed.
    init?(_ number: Int32) {
        var status = stat()
        guard fstat(number, &status) == 0 else { return nil }
        inode = status.st_ino
    }
}

/// A path for a socket that no other test uses.
func temporarySocketPath(_ name: String) -> String {
    "/tmp/sluice-test-\(getpid())-\(socketPaths.add(1, ordering: .relaxed).newValue)-\(name).sock"
}

/// The number of paths so far. Tests that run at the same time must not share one.
private let socketPaths = Atomic<Int>(0)
