import SeededRandom
import SluiceWire
import Testing

@testable import SluiceHub

@Suite struct ChannelOrderTests {
    private func names(_ order: ChannelOrder) -> [String] {
        var names: [String] = []
        var next = order.first { _ in false }
        while let channel = next {
            names.append(channel.name.description)
            next = order.next(after: channel)
        }
        return names
    }

    @Test("The order agrees with a sorted array while channels come and go")
    func agreesWithAModel() throws {
        var generator = SeededGenerator(seed: 7)
        let order = ChannelOrder()
        var (ordered, newcomers): ([String: NamedChannel], [NamedChannel]) = ([:], [])
        for step in 0..<20_000 {
            // Mostly insertions at first, mostly removals later.
            let grows = Int.random(in: 0..<20_000, using: &generator) > step
            let name = "c/\(Int.random(in: 0..<3000, using: &generator))"
            let isKnown = ordered[name] != nil || newcomers.contains { $0.name.description == name }
            if grows, !isKnown {
                let channel = NamedChannel(try #require(ChannelName(name)), hash: generator.next())
                if step % 3 == 0 {
                    order.insert(channel)
                    ordered[name] = channel
                } else {
                    order.note(channel)
                    newcomers.append(channel)
                }
            } else if !grows, let channel = ordered.removeValue(forKey: name) {
                order.remove(channel)
            } else if !grows, let place = newcomers.indices.randomElement(using: &generator) {
                order.remove(newcomers.remove(at: place))
            }
            if step % 100 == 0 {
                let taken = order.takeNewcomers(atMost: 20)
                #expect(taken == min(20, newcomers.count))
                for channel in newcomers.prefix(taken) { ordered[channel.name.description] = channel }
                newcomers.removeFirst(taken)
            }
            #expect(order.count == ordered.count && order.newcomerCount == newcomers.count)
            guard step % 500 == 0 else { continue }
            let sorted = ordered.keys.sorted()
            #expect(names(order) == sorted)
            for place in ["", "c/15", "c/2", "c/2999", "d"] {
                #expect(order.count { $0 < place } == sorted.count { $0 < place })
                #expect(order.first { $0 < place }?.name.description == sorted.first { $0 >= place })
            }
        }
    }

    @Test("A removed channel is in neither the order nor the list of newcomers, and can return")
    func removal() throws {
        let order = ChannelOrder()
        let channels = try ["b", "a", "c"].map { NamedChannel(try #require(ChannelName($0)), hash: 5) }
        for channel in channels { order.note(channel) }
        order.remove(channels[1])
        order.remove(channels[1])
        #expect(order.takeNewcomers(atMost: 1) == 1 && order.newcomerCount == 1 && names(order) == ["b"])
        order.insert(channels[1])
        #expect(order.takeNewcomers(atMost: 5) == 1 && names(order) == ["a", "b", "c"])
        for channel in channels { order.remove(channel) }
        #expect(order.count == 0 && channels.allSatisfy { $0.links.place == .nowhere })
    }

    @Test("Finding a place in a hundred thousand ordered names takes few steps")
    func depth() throws {
        let index = ChannelIndex()
        let order = ChannelOrder()
        let channels = try (0..<100_000).map { number in
            let name = try #require(ChannelName("c/\(number + 100_000)"))
            return NamedChannel(name, hash: index.hash(of: name))
        }
        for channel in channels { order.insert(channel) }
        var most = 0
        for number in stride(from: 0, to: 100_000, by: 97) {
            var steps = 0
            _ = order.first { name in
                steps += 1
                return name < "c/\(number + 100_000)"
            }
            most = max(most, steps)
        }
        // 17 levels would be the least. More than 60 would be very unlikely.
        #expect(most < 60)
        for channel in channels { order.remove(channel) }
        #expect(order.count == 0)
    }
}
