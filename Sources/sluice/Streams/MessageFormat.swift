import Foundation
import SluiceClient
import SluiceWire

/// How messages are printed.
enum MessageFormat: Sendable, Hashable {
    /// With a line feed after each.
    case lines
    /// With a zero byte after each.
    case null
    /// As they are, with nothing between them.
    case raw
    /// As JSON, one object a line.
    case json

    /// Appends a message to the output.
    ///
    /// - Parameter isTerminal: whether the output is a terminal, for which the format `lines` is escaped. The formats
    ///   `null` and `raw` never are.
    func append(_ received: IntakeMessage, of channel: ChannelName, to out: inout [UInt8], isTerminal: Bool = false) {
        let body = received.message.bytes
        switch self {
        case .lines:
            out += isTerminal ? body.escapedForTerminal(keepingBreaks: true) : body
            out.append(0x0A)
        case .null:
            out += body
            out.append(0)
        case .raw:
            out += body
        case .json:
            out += JSONLine.bytes(
                MessageRecord(
                    channel: channel.description, content: Content(body), attempt: received.delivery?.message.attempt,
                    trace: received.message.trace))
        }
    }
}

/// The bytes of a message in JSON: as text if they are valid UTF-8, else in base64.
struct Content: Sendable {
    var message: String?
    var base64: String?

    init(_ body: Body) {
        message = String(validating: body, as: UTF8.self)
        if message == nil { base64 = Data(body).base64EncodedString() }
    }
}

/// A message as `recv --json` prints it.
struct MessageRecord: Encodable {
    var channel: String
    var message: String?
    var base64: String?
    var attempt: Int?
    /// The word that the sender has given the message.
    var trace: String?

    init(channel: String, content: Content, attempt: Int?, trace: String?) {
        self.channel = channel
        message = content.message
        base64 = content.base64
        self.attempt = attempt
        self.trace = trace
    }
}

/// A value as one line of JSON, which is safe to show on a terminal.
enum JSONLine {
    static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and whole numbers can always be encoded.
        guard let data = try? encoder.encode(value) else { return [] }
        return data.escapedForTerminal() + [0x0A]
    }
}
