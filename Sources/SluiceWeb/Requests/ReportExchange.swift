import SluiceWire

/// Takes a report: `GET /v1/info`, `GET /v1/channels` and others.
struct ReportExchange: Exchange {
    let inspection: Inspection

    mutating func begin() -> [UInt8] { inspection.command }

    mutating func receive(_ reply: Reply) -> ExchangeStep {
        var response = Response(outcome: reply)
        guard case .data(_, let attributes) = reply else { return .respond(response) }
        response.contentType = "application/json"
        response.body.append(0x0A)
        if let more = attributes.more { response.headers.append("Sluice-More: \(more)") }
        return .respond(response)
    }
}

extension Inspection {
    /// The command, as bytes of the line protocol.
    var command: [UInt8] {
        var bytes: [UInt8] = []
        Request(tag: nil, command: .inspect(self)).append(to: &bytes)
        return bytes
    }
}
