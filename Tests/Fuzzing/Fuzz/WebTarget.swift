@testable import SluiceWeb

/// Fuzzes what the web door reads: the heads and bodies of requests, and the frames of WebSockets.
///
/// Both must find the same however the input is cut, and hold no more bytes than their limits allow.
enum WebTarget {
    private static let bodyLimit = 300

    static func check(_ input: FuzzedInput) {
        let (whole, cut) = (requests([input.bytes]), requests(input.pieces))
        require(whole == cut, "the requests are \(whole) in one piece, but \(cut) in several")
        let (frames, cutFrames) = (messages([input.bytes]), messages(input.pieces))
        require(frames == cutFrames, "the messages are \(frames) in one piece, but \(cutFrames) in several")
    }

    private static func requests(_ pieces: [UnsafeRawBufferPointer]) -> [String] {
        var reader = RequestReader()
        var found: [String] = []
        var head: RequestHead?
        do throws(Refusal) {
            for piece in pieces {
                reader.receive(piece)
                while try step(&reader, &head, &found) {}
                require(
                    reader.heldBytes <= RequestHead.maxBytes + bodyLimit + piece.count,
                    "\(reader.heldBytes) bytes are held")
            }
        } catch {
            found.append("\(error.status)")
        }
        return found
    }

    private static func step(
        _ reader: inout RequestReader, _ head: inout RequestHead?, _ found: inout [String]
    ) throws(Refusal) -> Bool {
        guard let present = head else {
            guard let next = try reader.nextHead() else { return false }
            try reader.beginBody(of: next, atMost: bodyLimit)
            head = next
            return true
        }
        guard let body = try reader.nextBody() else { return false }
        require(body.count <= bodyLimit, "a body has \(body.count) bytes")
        found.append("\(present.method) \(present.target) \(present.headers) \(body)")
        // Whatever the request is, it has a route or a refusal, and a refusal is one line.
        do throws(Refusal) {
            try BrowserRules(hosts: [], usesTLS: false).check(present)
            _ = try Route(present)
            _ = try HTTPCredentials.of(present)
        } catch {
            let text = String(decoding: Response(error).bytes(keepingAlive: true), as: UTF8.self)
            require(text.utf8.filter { $0 == 0 }.isEmpty, "a response holds NUL")
        }
        head = nil
        return true
    }

    private static func messages(_ pieces: [UnsafeRawBufferPointer]) -> [[UInt8]] {
        let frames = WebSocketFrames(atMost: bodyLimit)
        var found: [[UInt8]] = []
        for piece in pieces where !frames.hasInputEnded {
            found += frames.receive(piece)
            _ = frames.takeOutput()
            require(frames.heldBytes <= WebSocketFrames.ownBytes + bodyLimit, "\(frames.heldBytes) bytes are held")
        }
        for message in found { require(message.count <= bodyLimit, "a message has \(message.count) bytes") }
        // What is written depends on the cuts: wslay answers no ping that comes together with a closing frame, and checks the
        // reason of a closing frame only if it comes together with the code.
        return found
    }
}
