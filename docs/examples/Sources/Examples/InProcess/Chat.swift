// A chat server. Each line that a client sends goes to all clients. The room is a process of its own, which owns the list
// of the clients, so that nothing needs a lock.
//
//     make example NAME=chat            runs this program
//     make example NAME=chat-gevent     runs the one for gevent

import SluiceRuntime

func chat() throws {
    let reactor = try Reactor()
    try reactor.run {
        let news = Channel<News>(name: "news")
        reactor.spawn("room") { try await runRoom(news) }
        let listener = try Listener.bind(to: SocketAddress("127.0.0.1:0"))
        let server = reactor.spawn("server") {
            try await listener.serve(limit: 100, grace: .seconds(5)) { stream in
                try await serveChat(stream, news)
            }
        }

        // A conversation of two clients, as Bob sees it.
        let ada = try await ChatClient("Ada", at: listener.localAddress)
        _ = try await ada.read()
        let bob = try await ChatClient("Bob", at: listener.localAddress)
        print(try await bob.read())
        _ = try await ada.read()
        try await ada.write("hello, Bob")
        print(try await bob.read())
        try await bob.write("hello, Ada")
        print(try await bob.read())
        ada.stream.close()
        print(try await bob.read())

        // The listener takes no more clients, and waits for those that are there.
        listener.close()
        bob.stream.close()
        try await server.join()
        print("the server has ended")
    }
}

private enum News: Sendable {
    case joined(name: String, lines: Channel<String>)
    case said(name: String, text: String)
    case left(name: String, lines: Channel<String>)
}

private func runRoom(_ news: Channel<News>) async throws {
    var clients: [Channel<String>] = []
    for try await event in news {
        let line: String
        switch event {
        case .joined(let name, let lines):
            clients.append(lines)
            line = "* \(name) has joined"
        case .said(let name, let text):
            line = "\(name): \(text)"
        case .left(let name, let lines):
            clients.removeAll { $0 === lines }
            lines.close()
            line = "* \(name) has left"
        }
        // A client that does not read loses lines, and holds up nobody.
        for lines in clients { _ = try lines.trySend(line) }
    }
}

private func serveChat(_ stream: Stream, _ news: Channel<News>) async throws {
    let reader = StreamReader(stream)
    guard let name = try await reader.readLine(upTo: 100, timeout: .seconds(60)) else { return }
    let lines = Channel<String>(.droppingOldest(capacity: 100), name: "lines for \(name)")
    try await news.send(.joined(name: name, lines: lines))
    try await withNursery("chat with \(name)") { nursery in
        nursery.spawn("lines for \(name)") {
            for try await line in lines { try await stream.write("\(line)\n".utf8, timeout: .seconds(60)) }
        }
        do {
            while let text = try await reader.readLine(upTo: 1000) {
                try await news.send(.said(name: name, text: text))
            }
        } catch {
            note("\(name): \(error)")
        }
        try await news.send(.left(name: name, lines: lines))
    }
}

private struct ChatClient {
    let stream: Stream
    private let reader: StreamReader

    init(_ name: String, at address: SocketAddress) async throws {
        stream = try await Stream.connect(to: address)
        reader = StreamReader(stream)
        try await write(name)
    }

    func write(_ line: String) async throws { try await stream.write("\(line)\n".utf8) }

    func read() async throws -> String { try await reader.readLine(timeout: .seconds(10)) ?? "" }
}
