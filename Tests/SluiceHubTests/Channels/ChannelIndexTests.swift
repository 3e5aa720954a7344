import SeededRandom
import SluiceWire
import Testing

@testable import SluiceHub

@Suite struct ChannelIndexTests {
    @Test("A channel is found until it is removed")
    func aChannelIsFoundUntilItIsRemoved() throws {
        var index = ChannelIndex()
        let name = try #require(ChannelName("jobs"))
        let channel = NamedChannel(name, hash: index.hash(of: name))
        index.insert(channel)
        #expect(index.channel(name, hash: channel.hash) === channel)
        let removedFirst = index.remove(channel)
        let removedAgain = index.remove(channel)
        #expect(removedFirst && !removedAgain)
        #expect(index.channel(name, hash: channel.hash) == nil)
        #expect(index.count == 0)
    }

    @Test("Channels in one chain can be removed in any order")
    func channelsOfOneChainAreRemovedInAnyOrder() throws {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            var index = ChannelIndex()
            // Channels with the same hash are in one chain.
            let channels = try (0..<3).map { NamedChannel(try #require(ChannelName("c\($0)")), hash: 7) }
            for channel in channels { index.insert(channel) }
            for (step, number) in order.enumerated() {
                index.remove(channels[number])
                for other in order[(step + 1)...] {
                    #expect(index.channel(channels[other].name, hash: 7) === channels[other])
                }
            }
            #expect(channels.allSatisfy { $0.nextInBucket == nil && !$0.isInTable })
        }
    }

    @Test("The index agrees with a dictionary while it grows and shrinks")
    func theTableAgreesWithADictionaryWhileItGrowsAndShrinks() throws {
        var generator = SeededGenerator(seed: 5)
        var index = ChannelIndex()
        var model: [ChannelName: NamedChannel] = [:]
        for step in 0..<60_000 {
            // Mostly insertions at first, mostly removals later.
            let grows = Int.random(in: 0..<60_000, using: &generator) > step
            let name = try #require(ChannelName("channel/\(Int.random(in: 0..<20_000, using: &generator))"))
            if grows, model[name] == nil {
                let channel = NamedChannel(name, hash: index.hash(of: name))
                index.insert(channel)
                model[name] = channel
            } else if !grows, let channel = model.removeValue(forKey: name) {
                index.remove(channel)
            }
            #expect(index.channel(name, hash: index.hash(of: name)) === model[name])
        }
        var visited: Set<ChannelName> = []
        index.forEach { visited.insert($0.name) }
        #expect(visited == Set(model.keys))
        #expect(index.count == model.count)
    }

    @Test("Similar names have different hashes and spread over the buckets")
    func namesThatDifferALittleHaveDifferentHashes() throws {
        let names = (1...200).map { String(repeating: "a", count: $0) } + (0..<10_000).map { "c\($0)" }
        // Each index hashes with another random key.
        for _ in 0..<20 {
            let index = ChannelIndex()
            let hashes = try names.map { index.hash(of: try #require(ChannelName($0))) }
            #expect(Set(hashes).count == names.count)
            // Randomly spread names occupy 7 590 of the 16 384 buckets on average.
            #expect(Set(hashes.map { $0 & 0x3FFF }).count > 7_200)
        }
    }
}
