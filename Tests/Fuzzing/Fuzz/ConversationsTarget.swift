import SluiceWire

/// Fuzzes two conversations with a hub, over sockets.
///
/// The input is what the two clients send. Bytes that never occur in UTF-8 are events, see ``Event``. Each client must
/// receive valid replies, with the tags of its commands and at most one final reply for each command. When both have
/// disconnected, the hub must keep nothing for them.
enum ConversationsTarget {
    /// The meaning of an input byte that is not sent by a client.
    enum Event: UInt8 {
        /// The hub drains, without a time limit.
        case drain = 0xF6
        /// The hub drains within a second.
        case drainSoon = 0xF7
        /// The first client sends the bytes that follow.
        case firstSends = 0xF8
        case secondSends = 0xF9
        case aSecondPasses = 0xFA
        /// The sending client finishes sending.
        case halfClose = 0xFB
        case breakOff = 0xFC
        case stopReading = 0xFD
        case resumeReading = 0xFE
        case aMomentPasses = 0xFF
    }

    static func check(_ input: FuzzedInput) {
        guard let hub = FuzzedHub() else { return }
        var sender = 0
        var unsent: [UInt8] = []
        for byte in input.bytes {
            guard let event = Event(rawValue: byte) else {
                unsent.append(byte)
                continue
            }
            hub.send(unsent, by: sender)
            unsent = []
            switch event {
            case .drain: hub.drain(within: nil)
            case .drainSoon: hub.drain(within: .seconds(1))
            case .firstSends: sender = 0
            case .secondSends: sender = 1
            case .aSecondPasses: hub.advanceClock(by: .seconds(1))
            case .aMomentPasses: hub.advanceClock(by: .milliseconds(50))
            case .halfClose: hub.endInput(of: sender)
            case .breakOff: hub.breakOff(sender)
            case .stopReading: hub.setReading(false, of: sender)
            case .resumeReading: hub.setReading(true, of: sender)
            }
        }
        hub.send(unsent, by: sender)
        hub.end()
    }
}
