import Glibc
import SluiceClient
import SluiceRuntime
import Synchronization

/// Lets the conformance kit play a server to the client library: reads instructions and prints outcomes, as
/// docs/writing-a-client.md describes.
@main
struct Adapter {
    static func main() async {
        guard let address = getenv("SLUICE_ADDRESS").map({ String(cString: $0) }) else {
            fail("set SLUICE_ADDRESS")
        }
        let performer = Performer(address: address)
        Output.show("ready concurrent cancel count lease call select barrier reconnect")
        var tasks: [String: Task<Void, Never>] = [:]
        while let line = readLine() {
            guard let instruction = Instruction(line) else {
                fail("not an instruction: \(line.prefix(80))")
            }
            if instruction.verb == "cancel" {
                tasks[instruction.operands[0]]?.cancel()
                continue
            }
            tasks[instruction.number] = Task.detached {
                Output.show(instruction.number, await performer.perform(instruction))
            }
        }
    }

    private static func fail(_ message: String) -> Never {
        let line = Array("conformance-adapter: \(message)\n".utf8)
        write(STDERR_FILENO, line, line.count)
        exit(64)
    }
}

/// The standard output. Unbuffered: flushing a stream waits for other streams that are being read.
enum Output {
    private static let lock = Lock(())

    static func show(_ words: String...) {
        let line = Array("\(words.joined(separator: " "))\n".utf8)
        lock.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
