import SluiceClient
import SluiceRuntime
import Synchronization

/// Performs the operations of the instructions with one client.
final class Performer: Sendable {
    private struct State {
        var client: Client?
        /// The messages under a lease, by the number of the operation that received them.
        var held: [String: LeasedDelivery] = [:]
    }

    private let address: String
    private let state = Lock(State())

    init(address: String) { self.address = address }

    /// Returns the outcome. Those of a counted receive but the last are shown as they come.
    func perform(_ instruction: Instruction) async -> String {
        do {
            switch instruction.verb {
            case "connect":
                let client = try await Client.connect(address)
                state.withLock { $0.client = client }
                return "ok"
            case "close":
                await state.withLock { $0.client }?.close()
                return "ok"
            case "send":
                try await channel(instruction).send(
                    instruction.body, timeout: instruction.timeout, id: instruction.options["id"])
                return "ok"
            case "call":
                let answer = try await channel(instruction).call(
                    instruction.body, timeout: instruction.timeout, id: instruction.options["id"])
                return answer.map { "answer \(Instruction.word($0.bytes))" } ?? "ok"
            case "recv": return try await receive(instruction)
            case "select": return try await select(instruction)
            case "barrier":
                let parties = instruction.options["parties"].flatMap { Int($0) } ?? 1
                try await client().barrier(instruction.operands[0], parties: parties, timeout: instruction.timeout)
                return "ok"
            default: return try await settle(instruction)
            }
        } catch {
            return Self.outcome(of: error)
        }
    }

    private func client() throws(SluiceError) -> Client {
        guard let client = state.withLock({ $0.client }) else {
            throw SluiceError(.disconnected, "there is no connection")
        }
        return client
    }

    private func channel(_ instruction: Instruction) throws(SluiceError) -> RemoteChannel {
        try client().channel(instruction.operands[0])
    }

    // MARK: Receiving

    private func receive(_ instruction: Instruction) async throws -> String {
        let channel = try channel(instruction)
        if let count = instruction.options["count"] {
            for try await message in try channel.messages(count: Int(count), timeout: instruction.timeout) {
                Output.show(instruction.number, Self.outcome(of: message))
            }
            return "end"
        }
        guard let lease = instruction.lease else {
            return try await channel.receive(timeout: instruction.timeout).map(Self.outcome) ?? "closed"
        }
        guard let delivery = try await channel.receive(lease: lease, timeout: instruction.timeout) else {
            return "closed"
        }
        state.withLock { $0.held[instruction.number] = delivery }
        return Self.outcome(of: delivery.message)
    }

    private func settle(_ instruction: Instruction) async throws -> String {
        guard let delivery = state.withLock({ $0.held[instruction.operands[0]] }) else { return "broken not held" }
        switch instruction.verb {
        case "ack": try await delivery.acknowledge()
        case "answer": try await delivery.answer(instruction.body)
        case "nack": try await delivery.nack()
        case "reject": try await delivery.reject(reason: String(decoding: instruction.body, as: UTF8.self))
        case "touch": try await delivery.touch()
        default: return "broken no such instruction"
        }
        return "ok"
    }

    // MARK: Choosing

    private func select(_ instruction: Instruction) async throws -> String {
        let client = try client()
        return try await client.select {
            if let timeout = instruction.timeout { after(timeout) { "timeout" } }
            for (number, words) in instruction.arms.enumerated() {
                switch words[0] {
                case "else": otherwise { "else" }
                case "send":
                    try client.channel(words[1]).sending(words.count > 2 ? Instruction.bytes(words[2]) : []) {
                        "arm \(number) ok"
                    }
                default:
                    try client.channel(words[1]).receiving { message in
                        message.map { "arm \(number) \(Self.outcome(of: $0))" } ?? "arm \(number) closed"
                    }
                }
            }
        }
    }

    // MARK: Outcomes

    private static func outcome(of message: Message) -> String { "message \(Instruction.word(message.bytes))" }

    private static func outcome(of error: any Error) -> String {
        guard let error = error as? SluiceError else { return "broken \(error)" }
        return switch error.code {
        case .timedOut: "timeout"
        case .closed: "closed"
        case .poisoned: "poisoned"
        case .rejected: "rejected"
        case .cancelled: "cancelled"
        case .withdrawn, .dropped: "withdrawn"
        case .inDoubt: "doubt"
        case .system, .address, .disconnected: "disconnected \(error.message)"
        case .misuse: "broken \(error.message)"
        default: "error \(error.code) \(error.message)"
        }
    }
}
