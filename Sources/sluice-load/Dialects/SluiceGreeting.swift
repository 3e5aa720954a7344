import SluiceWire

/// What all connections with Sluice begin with.
struct SluiceGreeting: Sendable {
    let request: [UInt8]
    let answer: [UInt8]

    init(_ credentials: Credentials?, then more: String = "", answered: String = "") {
        var bytes: [UInt8] = []
        if let credentials {
            bytes += Array("AUTH \(credentials.principal) ".utf8) + credentials.token + [0x0A]
        }
        request = bytes + Array("\(more)PING\n".utf8)
        answer = Array("\(credentials == nil ? "" : "OK\n")\(answered)OK\n".utf8)
    }

    func write(_ output: inout ByteQueue) { output.append(request) }

    func length(in bytes: UnsafeRawBufferPointer) throws(LoadFailure) -> Int? {
        try bytes.holds(answer, at: 0) == nil ? nil : answer.count
    }
}
