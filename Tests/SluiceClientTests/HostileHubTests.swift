import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceClient

/// Servers that speak the protocol and answer without end.
@Suite("Clients of hostile servers", .bounded) struct HostileHubTests {
    @Test("A report whose pages lead in a circle ends with an error", arguments: [1, 2, 5])
    func circles(pages: Int) async throws {
        let impostor = try Impostor.start { stream in
            var input: [UInt8] = []
            var page = 0
            while true {
                let bytes = try await stream.read(upTo: 4096)
                if bytes.isEmpty { return }
                input += bytes
                while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: input[..<end], as: UTF8.self).uppercased()
                    input.removeSubrange(...end)
                    let tag = line.hasPrefix("#") ? line.prefix { $0 != " " } + " " : ""
                    let reply: String
                    if line.contains("HELLO") {
                        reply = "OK version=1 epoch=1 max-tags=1024\n"
                    } else if line.contains("CHANNELS") {
                        let json = #"{"channels":[],"omitted":1}"#
                        reply = "DATA \(json.utf8.count) more=key\(page % pages)\n\(json)\n"
                        page += 1
                    } else {
                        reply = "OK\n"
                    }
                    try await stream.write((tag + reply).utf8)
                }
            }
        }
        defer { impostor.stop() }
        let client = try await Client.connect(impostor.address)
        let error = await #expect(throws: SluiceError.self) { try await client.channelsReport() }
        #expect(error?.code == .misuse)
        #expect(error?.message == "the server's report has no end: two pages name the same next page")
        await client.close()
    }

    @Test("A message longer than any server permits is refused at its line", arguments: [1000, 1001])
    func longMessages(bytes: Int) throws {
        var reader = ReplyReader(maxBodyBytes: 1000)
        let announced = Array("MSG c \(bytes)\nx".utf8)
        if bytes <= 1000 {
            #expect(try announced.withUnsafeBytes { try reader.read($0) }.isEmpty)
        } else {
            let error = #expect(throws: SluiceError.self) { _ = try announced.withUnsafeBytes { try reader.read($0) } }
            #expect(error?.code == .misuse)
        }
    }
}
