import Testing

@testable import SluiceHub

/// When memory is given back.
@Suite struct EbbTests {
    @Test func anEbbIsWhenMostHaveGone() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 800)
        // Told once, and once more at the end.
        let told = [800, 100, 99, 98, 0, 0].map { ebb.falls(to: $0) }
        #expect(told == [false, false, true, false, true, false])
    }

    @Test func fewAreNoEbb() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 100)
        let ebbs = ebb.falls(to: 0)
        #expect(!ebbs)
    }

    @Test func eachTideEbbsThoughOneAlwaysStays() {
        var ebb = Ebb(ofMoreThan: 100)
        for _ in 0..<3 {
            for count in 2...801 { ebb.rise(to: count) }
            let ebbs = ebb.falls(to: 1)
            #expect(ebbs)
        }
    }

    @Test func connectionsThatGoGiveTheirMemoryBack() throws {
        var hub = TestHub()
        let one = hub.connect()
        for _ in 0..<2 {
            let crowd = (0..<1000).map { _ in hub.connect() }
            let ebbsAtFlood = hub.machine.ebbs()
            #expect(!ebbsAtFlood)
            var ebbs = 0
            for client in crowd {
                hub.disconnect(client)
                if hub.machine.ebbs() { ebbs += 1 }
            }
            #expect(ebbs == 1)
        }
        hub.disconnect(one)
    }
}
