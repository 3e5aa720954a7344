import SeededRandom
import Testing

@testable import SluiceRuntime

@Suite struct ChunkedArrayTests {
    private final class Counted {
        let number: Int
        let release: (Int) -> Void

        init(_ number: Int, _ release: @escaping (Int) -> Void) {
            self.number = number
            self.release = release
        }

        deinit { release(number) }
    }

    @Test(
        "Elements are where they were appended, however many there are",
        arguments: [0, 1, 2, 3, 1023, 1024, 1025, 5000])
    func elements(count: Int) {
        var array = ChunkedArray<Int>()
        for number in 0..<count { array.append(number) }
        for index in 0..<count { array[index] += 1 }
        let sum = (0..<count).reduce(0) { $0 + array[$1] }
        let length = array.count
        #expect(length == count)
        #expect(sum == count * (count + 1) / 2)
    }

    @Test("Appending and removing at the end behave as in an array")
    func model() {
        var generator = SeededGenerator(seed: 7)
        var array = ChunkedArray<Int>()
        var model: [Int] = []
        for _ in 0..<20_000 {
            if model.isEmpty || Int.random(in: 0..<5, using: &generator) > 1 {
                let number = Int.random(in: 0..<1000, using: &generator)
                array.append(number)
                model.append(number)
            } else {
                let removed = array.removeLast()
                #expect(removed == model.removeLast())
            }
        }
        let elements = (0..<array.count).map { array[$0] }
        #expect(elements == model)
    }

    @Test("An element that has been appended often enough does not move")
    func addresses() {
        var array = ChunkedArray<Int>()
        for number in 0..<2000 { array.append(number) }
        let address = array.address(of: 1500)
        for number in 0..<100_000 { array.append(number) }
        let same = array.address(of: 1500)
        #expect(address == same)
    }

    @Test("The array releases its elements, once each", arguments: [3, 3000])
    func releases(count: Int) {
        var released: [Int] = []
        do {
            var array = ChunkedArray<Counted>()
            for number in 0..<count { array.append(Counted(number) { released.append($0) }) }
        }
        #expect(released == Array(0..<count))
    }

    @Test("An array that has discarded its memory can be used again")
    func reuse() {
        var array = ChunkedArray<Int>()
        for _ in 1...3 {
            for number in 0..<3000 { array.append(number) }
            let last = array[2999]
            array.discardAll()
            let isEmpty = array.isEmpty
            #expect(last == 2999)
            #expect(isEmpty)
        }
    }
}
