// A web crawler: a pool of four tasks fetches pages over TCP, each within a time limit, and follows their links. The web
// site is a server in the same program. One of its pages never comes, and one does not exist.
//
//     make example NAME=crawler            runs this program
//     make example NAME=crawler-gevent     runs the one for gevent

import SluiceRuntime

private let site = [
    "/": ["/bread", "/cakes", "/opening-hours"],
    "/bread": ["/", "/bread/rye", "/bread/wheat"],
    "/bread/rye": ["/bread"],
    "/bread/wheat": ["/bread", "/prices"],
    "/cakes": ["/", "/cakes/wedding"],
]

func crawler() throws {
    let reactor = try Reactor()
    try reactor.run {
        let listener = try Listener.bind(to: SocketAddress("127.0.0.1:0"))
        reactor.spawn("web site") { try await listener.serve(limit: 100, grace: .zero, serveSite) }

        let pages = Channel<Page>(.unbounded, name: "pages")
        let pool = try TaskPool(limit: 4, name: "fetchers")
        var known: Set = ["/"]
        var waiting = ["/"]
        var results: [String: String] = [:]
        while results.count < known.count {
            for path in waiting {
                try await pool.spawn("fetch \(path)") {
                    try await pages.send(await fetch(path, from: "\(listener.localAddress)"))
                }
            }
            guard let page = try await pages.receive() else { return }
            results[page.path] = page.result
            waiting = page.links.filter { known.insert($0).inserted }
        }
        for (path, result) in results.sorted(by: { $0.key < $1.key }) { print("\(path): \(result)") }
    }
}

private struct Page: Sendable {
    let path: String
    let result: String
    var links: [String] = []
}

private func fetch(_ path: String, from host: String) async -> Page {
    do {
        return try await withTimeout(.milliseconds(300)) {
            let stream = try await Stream.connect(toHost: host)
            defer { stream.close() }
            try await stream.write("GET \(path) HTTP/1.0\r\n\r\n".utf8)
            let reader = StreamReader(stream)
            let status = try await reader.readLine() ?? ""
            guard status == "HTTP/1.0 200 OK" else { return Page(path: path, result: "the answer is \(status)") }
            while try await reader.readLine() != "" {}
            var links: [String] = []
            while let link = try await reader.readLine() { links.append(link) }
            return Page(path: path, result: "\(links.count) \(links.count == 1 ? "link" : "links")", links: links)
        }
    } catch let error as SluiceError where error.code == .timedOut {
        return Page(path: path, result: "timed out")
    } catch {
        return Page(path: path, result: "\(error)")
    }
}

@Sendable private func serveSite(_ stream: Stream) async throws {
    let reader = StreamReader(stream)
    let request = try await reader.readLine(timeout: .seconds(10)) ?? ""
    let path = request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    if path == "/opening-hours" { try await sleep(for: .seconds(3600)) }
    guard let links = site[path] else { return try await stream.write("HTTP/1.0 404 Not Found\r\n\r\n".utf8) }
    let body = links.map { "\($0)\n" }.joined()
    try await stream.write("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n\(body)".utf8)
}
