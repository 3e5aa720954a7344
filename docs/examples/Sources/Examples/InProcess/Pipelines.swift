// The building blocks of core.async: pipelines, a pipeline of work that blocks, split, mult, pub, mix, and reduce.
//
//     make example NAME=pipelines              runs this program
//     make example NAME=pipelines-clojure      runs the one for core.async

import SluiceRuntime

func pipelines() throws {
    try Reactor().run {
        // (pipeline 4 out (map inc) in): several workers, and the results in order.
        let increased = try pipeline(from: Channel(of: 1...5), workers: 4) { number in number + 1 }
        print("pipeline:", try await all(increased))

        // (pipeline-blocking 2 out (map slow-square) in): work that blocks a thread.
        let squared = try pipeline(from: Channel(of: 1...5), workers: 2) { number in
            try await offload { number * number }
        }
        print("blocking pipeline:", try await all(squared))

        // Pipelines in a row.
        let evens = try pipeline(from: Channel(of: 1...5), workers: 2) { $0 * 2 }
        let labelled = try pipeline(from: evens, workers: 2) { "n\($0)" }
        print("two pipelines:", try await all(labelled))

        // (split even? in)
        let (even, odd) = try split(Channel(of: 1...6), .buffered(capacity: 10), by: { $0.isMultiple(of: 2) })
        print("split:", try await all(even), try await all(odd))

        // (mult in): every tap gets every message.
        let feed = Channel<String>()
        let news = try Broadcast(of: feed)
        let (left, right) = (news.tap(.buffered(capacity: 10)), news.tap(.buffered(capacity: 10)))
        try await feed.send(contentsOf: ["it rains", "it snows"], closing: true)
        print("mult:", try await all(left), try await all(right))

        // (pub in :topic): the subscribers of a topic get its messages.
        let articles = Channel<Article>()
        let publication = try Publication(of: articles, by: \.topic)
        let sports = publication.subscribe(to: "sports", .buffered(capacity: 10))
        let weather = publication.subscribe(to: "weather", .buffered(capacity: 10))
        let issue = [
            Article(topic: "sports", title: "a goal"), Article(topic: "weather", title: "a storm"),
            Article(topic: "sports", title: "a record"),
        ]
        try await articles.send(contentsOf: issue, closing: true)
        print("pub:", try await all(sports).map(\.title), try await all(weather).map(\.title))

        // (mix out): sources can be muted.
        let desk = Channel<String>()
        let mix = try Mix(into: desk)
        let (voice, noise) = (Channel<String>(), Channel<String>())
        mix.add(voice)
        mix.add(noise, .muted)
        try await noise.send("hiss")
        let speaker = Reactor.current?.spawn("speaker") { try await voice.send("hello") }
        print("mix:", try await desk.receive() ?? "")
        try await speaker?.join()

        // (async/reduce + 0 in)
        print("reduce:", try await Channel(of: 1...100).reduce(0, +))
    }
}

private struct Article: Sendable {
    let topic: String
    let title: String
}

private func all<Element: Sendable>(_ source: some MessageSource<Element>) async throws -> [Element] {
    var messages: [Element] = []
    for try await message in source { messages.append(message) }
    return messages
}
