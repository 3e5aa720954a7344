import Testing

@testable import SluiceHub

/// When the hub returns free memory to the system.
@Suite struct EbbTests {
    @Test("An ebb is reported when most clients have left, and again when all have")
    func anEbbIsWhenMostHaveGone() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 800)
        // Reported once, and once more at the end.
        let reported = [800, 100, 99, 98, 0, 0].map { ebb.falls(to: $0) }
        #expect(reported == [false, false, true, false, true, false])
    }

    @Test("Few clients that leave are no ebb")
    func fewAreNoEbb() {
        var ebb = Ebb(ofMoreThan: 100)
        ebb.rise(to: 100)
        let ebbs = ebb.falls(to: 0)
        #expect(!ebbs)
    }

    @Test("Every crowd that leaves is an ebb, even if one client stays")
    func eachTideEbbsThoughOneAlwaysStays() {
        var ebb = Ebb(ofMoreThan: 100)
        for _ in 0..<3 {
            for count in 2...801 { ebb.rise(to: count) }
            let ebbs = ebb.falls(to: 1)
            #expect(ebbs)
        }
    }

    @Test("A crowd of connections that disconnects is one ebb")
    func aCrowdThatDisconnectsIsOneEbb() throws {
        var hub = TestHub()
        let one = hub.connect()
        for _ in 0..<2 {
            let crowd = (0..<1000).map { _ in hub.connect() }
            let ebbsAtFlood = hub.machine.hasEbbed
            #expect(!ebbsAtFlood)
            var ebbs = 0
            for client in crowd {
                hub.disconnect(client)
                if hub.machine.hasEbbed { ebbs += 1 }
                hub.machine.hasEbbed = false
            }
            #expect(ebbs == 1)
        }
        hub.disconnect(one)
    }

    @Test("Each step by which the memory in use falls is reported")
    func eachStepOfAFallIsReported() {
        var fall = Fall(by: 10)
        let reported = [35, 30, 25, 20, 14, 20, 15, 10, 0].map { fall.reaches($0) }
        #expect(reported == [false, false, true, false, true, false, false, true, true])
    }
}
