import SluiceWire

/// No duplicates: a message on a queue is taken for good once at most, whoever sends it again under its id; an attempt to
/// deliver has a name of its own, and a number that no other attempt of the message has; one receive has a message once.
struct NothingTwice: Rule {
    let name = "nothing twice"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        var deliveries: Set<DeliveryID> = []
        for story in ledger.stories {
            let isQueue = ledger.channel(story.name.channel)?.isQueue == true
            let commits = story.commits(in: ledger)
            if isQueue, commits > 1 { breaches.append("\(story.name) was received \(commits) times") }
            var attempts: Set<Int> = []
            var receivers: Set<Int> = []
            for receipt in story.receipts {
                if let delivery = receipt.delivery, !deliveries.insert(delivery).inserted {
                    breaches.append("\(delivery) names two deliveries")
                }
                if let attempt = receipt.attempt, !story.hasID, !attempts.insert(attempt).inserted {
                    breaches.append("\(story.name) came twice as attempt \(attempt)")
                }
                if receipt.delivery == nil, !receivers.insert(receipt.act).inserted {
                    breaches.append("act \(receipt.act) had \(story.name) twice")
                }
            }
        }
        return breaches
    }
}
