import Testing

@testable import SluiceHub

/// When memory is given back.
@Suite struct EbbTests {
    @Test func anEbbIsWhenMostHaveGone() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 800)
        #expect(!ebb.falls(to: 800))
        #expect(!ebb.falls(to: 100))
        #expect(ebb.falls(to: 99))
        #expect(!ebb.falls(to: 98), "it is told once")
        #expect(ebb.falls(to: 0), "and once more at the end")
        #expect(!ebb.falls(to: 0))
    }

    @Test func fewAreNoEbb() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 100)
        #expect(!ebb.falls(to: 0))
    }

    @Test func eachTideEbbsThoughOneAlwaysStays() {
        var ebb = Ebb(ofMoreThan: 100)
        for _ in 0..<3 {
            for count in 2...801 { ebb.rise(to: count) }
            #expect(ebb.falls(to: 1))
        }
    }

    @Test func connectionsThatGoGiveTheirMemoryBack() throws {
        var floor = Floor()
        let one = floor.connect()
        for _ in 0..<2 {
            let crowd = (0..<1000).map { _ in floor.connect() }
            #expect(!floor.machine.ebbs())
            var ebbs = 0
            for client in crowd {
                floor.disconnect(client)
                if floor.machine.ebbs() { ebbs += 1 }
            }
            #expect(ebbs == 1)
        }
        floor.disconnect(one)
    }
}
