import SluiceRuntime

/// Sends 1 to 3 through a merge, a pipeline, a broadcast and a publication, whose code is compiled with the caller's.
func stages<Element: Payload>(_ type: Element.Type, _ name: String) -> Check {
    Check(name: "stages of \(name)", expected: 2 * (1 * 31 * 31 + 2 * 31 + 3)) {
        try Reactor().run {
            let (first, second) = (Channel<Element>(.unbounded), Channel<Element>(.unbounded))
            for number in 1...3 { try await first.send(Element(number)) }
            first.close()
            second.close()
            let merged = try merge([first, second])
            let doubled = try pipeline(from: merged, workers: 2) { Element($0.number * 2) }
            let broadcast = try Broadcast(of: doubled)
            let tap = broadcast.tap(.unbounded)
            let publication = try Publication(of: tap) { $0.number.isMultiple(of: 2) }
            let even = publication.subscribe(to: true, .unbounded)
            var sum = 0
            for try await message in even { sum = fold(sum, message) }
            return sum
        }
    }
}

let stageChecks = [
    stages(Int.self, "Int"), stages(String.self, "String"), stages(Wide.self, "Wide"), stages(Boxed.self, "Boxed"),
    stages(Variant.self, "Variant"), stages(Int?.self, "Int?"),
]
