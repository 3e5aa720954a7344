import SluiceWire

/// Runs one command that is answered at once: `DELETE /v1/channels/NAME`, `DELETE /v1/clients`.
struct CommandExchange: Exchange {
    private let command: Command

    init(_ command: Command) { self.command = command }

    mutating func begin() -> [UInt8] {
        var bytes: [UInt8] = []
        Request(tag: nil, command: command).append(to: &bytes)
        return bytes
    }

    mutating func receive(_ reply: Reply) -> ExchangeStep { .respond(Response(outcome: reply)) }
}
