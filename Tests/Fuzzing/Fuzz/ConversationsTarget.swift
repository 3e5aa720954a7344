import SluiceWire

/// Two clients and a hub, from the bytes on the socket to the bytes on the socket.
///
/// The input is what they say. Bytes that no text of UTF-8 has are stage directions: see ``Direction``. Whatever is said,
/// each client hears replies only, at most one final one for each of its commands and with its tags; and when they have
/// gone, nothing is left of them.
enum ConversationsTarget {
    /// What a byte of the input means that is not for a client to say.
    enum Direction: UInt8 {
        /// The hub is told to stop when all has ended.
        case drain = 0xF6
        /// The hub is told to stop within a second.
        case drainSoon = 0xF7
        case firstSpeaks = 0xF8
        case secondSpeaks = 0xF9
        case aSecondPasses = 0xFA
        /// The client that speaks closes its sending side.
        case halfClose = 0xFB
        case breakOff = 0xFC
        case stopReading = 0xFD
        case readAgain = 0xFE
        case aMomentPasses = 0xFF
    }

    static func check(_ input: FuzzedInput) {
        guard let stage = Stage() else { return }
        var speaker = 0
        var said: [UInt8] = []
        for byte in input.bytes {
            guard let direction = Direction(rawValue: byte) else {
                said.append(byte)
                continue
            }
            stage.say(said, by: speaker)
            said = []
            switch direction {
            case .drain: stage.drain(within: nil)
            case .drainSoon: stage.drain(within: .seconds(1))
            case .firstSpeaks: speaker = 0
            case .secondSpeaks: speaker = 1
            case .aSecondPasses: stage.pass(.seconds(1))
            case .aMomentPasses: stage.pass(.milliseconds(50))
            case .halfClose: stage.endInput(of: speaker)
            case .breakOff: stage.breakOff(speaker)
            case .stopReading: stage.read(false, by: speaker)
            case .readAgain: stage.read(true, by: speaker)
            }
        }
        stage.say(said, by: speaker)
        stage.end()
    }
}
