import Testing

@testable import SluiceHub

@Suite struct HolderTests {
    @Test("A holder that ends and begins anew has the same id, which no other holder has")
    func ids() {
        var hub = TestHub()
        var networks: [HolderID: Set<UInt32>] = [:]
        for _ in 0..<3 {
            for network in UInt32(1)...100 {
                // The only connection of its holder, whose memory the next one may get.
                let client = hub.connect(from: network)
                networks[hub.machine.holder(of: client), default: []].insert(network)
                hub.disconnect(client, isOrderly: true)
            }
        }
        #expect(networks.count == 100 && networks.values.allSatisfy { $0.count == 1 })
    }
}
