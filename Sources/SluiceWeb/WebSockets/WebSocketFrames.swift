import CWslay

/// The frames of a WebSocket: turns bytes into messages, and messages into bytes. Does no I/O.
///
/// wslay checks the frames, answers pings, and sends a closing frame with the right code when the client makes a
/// mistake.
final class WebSocketFrames {
    /// A complete message of the client.
    typealias Message = [UInt8]

    /// How a WebSocket ends.
    enum Closing: UInt16 {
        case normal = 1000
        case goingAway = 1001
        case refused = 1008
        case tooBig = 1009
    }

    /// The most bytes of a message of the client.
    private let limit: Int
    private var context: wslay_event_context_ptr?
    /// The input that wslay has not read.
    private var input: UnsafeRawBufferPointer.SubSequence = UnsafeRawBufferPointer(start: nil, count: 0)[...]
    private var output: [UInt8] = []
    private var messages: [Message] = []
    /// The message that is arriving.
    private var partial: Message = []
    /// Whether the frame that is arriving is a part of a message.
    private var isData = false
    /// Whether the header of a frame was malformed.
    private var hasFailed = false

    /// The closing frame with the code 1002.
    private static let malformed: [UInt8] = [0x88, 2, 3, 0xEA]

    /// - Parameter limit: the most bytes of a message of the client.
    init(atMost limit: Int) {
        self.limit = limit
        var callbacks = wslay_event_callbacks()
        callbacks.recv_callback = { context, bytes, count, _, owner in
            WebSocketFrames.of(owner).read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count), context)
        }
        callbacks.send_callback = { _, bytes, count, _, owner in
            WebSocketFrames.of(owner).output += UnsafeBufferPointer(start: bytes, count: count)
            return count
        }
        callbacks.on_frame_recv_start_callback = { _, frame, owner in
            guard let frame else { return }
            WebSocketFrames.of(owner).frameBegins(frame.pointee.opcode, length: frame.pointee.payload_length)
        }
        callbacks.on_frame_recv_chunk_callback = { _, chunk, owner in
            guard let chunk else { return }
            let bytes = UnsafeBufferPointer(start: chunk.pointee.data, count: chunk.pointee.data_length)
            WebSocketFrames.of(owner).receive(chunk: bytes)
        }
        callbacks.on_msg_recv_callback = { _, message, owner in
            guard let message else { return }
            WebSocketFrames.of(owner).messageEnds(opcode: message.pointee.opcode)
        }
        wslay_event_context_server_init(&context, &callbacks, Unmanaged.passUnretained(self).toOpaque())
        // Otherwise, wslay would allocate as much memory as a frame announces before its bytes arrive.
        wslay_event_config_set_no_buffering(context, 1)
    }

    deinit { wslay_event_context_free(context) }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> WebSocketFrames {
        // wslay passes the pointer from `init`, and only calls back while a method of this object is running.
        guard let owner else { fatalError("wslay passes no owner") }
        return Unmanaged<WebSocketFrames>.fromOpaque(owner).takeUnretainedValue()
    }

    /// The memory of wslay's two buffers and this object.
    static let ownBytes = 9 << 10

    /// The memory in bytes, with that of the message that is arriving and of the output.
    var heldBytes: Int { Self.ownBytes + partial.count + output.count }

    /// Whether no further message follows: the client has sent its closing frame, or has made a mistake.
    var hasInputEnded: Bool { wslay_event_get_read_enabled(context) == 0 }
    /// Whether the client has sent its closing frame.
    var isClosedByClient: Bool { wslay_event_get_close_received(context) != 0 }

    // MARK: Input

    /// Reads bytes. Returns the messages that are complete.
    func receive(_ bytes: UnsafeRawBufferPointer) -> [Message] {
        input = bytes[...]
        if wslay_event_recv(context) != 0 { hasFailed = true }
        input = UnsafeRawBufferPointer(start: nil, count: 0)[...]
        defer { messages = [] }
        return messages
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer, _ context: wslay_event_context_ptr?) -> Int {
        let piece = input.prefix(buffer.count)
        guard !piece.isEmpty else {
            wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
            return -1
        }
        buffer.copyBytes(from: piece)
        input = input.dropFirst(piece.count)
        return piece.count
    }

    private func frameBegins(_ opcode: UInt8, length: UInt64) {
        isData = opcode <= UInt8(WSLAY_BINARY_FRAME.rawValue)
        if isData, length > UInt64(limit - partial.count) { refuseLength() }
    }

    private func refuseLength() {
        partial = []
        close(.tooBig)
    }

    private func receive(chunk: UnsafeBufferPointer<UInt8>) {
        guard isData, !hasInputEnded else { return }
        if chunk.count > limit - partial.count { return refuseLength() }
        partial += chunk
    }

    private func messageEnds(opcode: UInt8) {
        guard opcode <= UInt8(WSLAY_BINARY_FRAME.rawValue), !hasInputEnded else { return }
        defer { partial = [] }
        // Otherwise, a page that sends `"send jobs " + text` would let the author of the text send commands.
        if opcode == UInt8(WSLAY_TEXT_FRAME.rawValue), partial.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
            return close(
                .refused, because: "a text message is one line; send a body with line ends as a binary message")
        }
        messages.append(partial)
    }

    // MARK: Output

    /// Takes the bytes that are to be written.
    func takeOutput() -> [UInt8] {
        wslay_event_send(context)
        // For a malformed header, wslay sends a closing frame without a code.
        if hasFailed, output.suffix(2) == [0x88, 0] {
            output.replaceSubrange((output.count - 2)..., with: Self.malformed)
        }
        defer { output = [] }
        return output
    }

    func send(text: [UInt8]) { send(text, WSLAY_TEXT_FRAME) }
    func send(binary: [UInt8]) { send(binary, WSLAY_BINARY_FRAME) }
    func ping() { send([], WSLAY_PING) }

    private func send(_ bytes: [UInt8], _ opcode: wslay_opcode) {
        bytes.withUnsafeBufferPointer { bytes in
            var message = wslay_event_msg(
                opcode: UInt8(opcode.rawValue), msg: bytes.baseAddress, msg_length: bytes.count)
            _ = wslay_event_queue_msg(context, &message)
        }
    }

    /// Sends the closing frame, if none was sent. No further message is read.
    func close(_ closing: Closing, because reason: String = "") {
        var reason = reason
        reason.withUTF8 { _ = wslay_event_queue_close(context, closing.rawValue, $0.baseAddress, $0.count) }
        wslay_event_shutdown_read(context)
    }
}
