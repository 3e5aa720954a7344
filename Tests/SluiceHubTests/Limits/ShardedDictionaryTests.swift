import SeededRandom
import Testing

@testable import SluiceHub

@Suite struct ShardedDictionaryTests {
    @Test("Entries are found, replaced and removed as in a dictionary, also when they are divided")
    func model() {
        var generator = SeededGenerator(seed: 3)
        var dictionary = ShardedDictionary<String, Int>()
        var model: [String: Int] = [:]
        for limit in [4000, 10_000, 100] {
            for _ in 0..<30_000 {
                let number = Int.random(in: 0..<10_000, using: &generator)
                let value = model.count > limit || number % 3 == 0 ? nil : number
                dictionary["\(number)"] = value
                model["\(number)"] = value
            }
            #expect(dictionary.count == model.count)
            #expect((0..<10_000).allSatisfy { dictionary["\($0)"] == model["\($0)"] })
        }
        for key in model.keys { dictionary[key] = nil }
        #expect(dictionary.isEmpty)
        dictionary["a"] = 1
        #expect(dictionary["a"] == 1)
    }
}
