import SluiceWire

/// A message on a queue is taken at most once, also if it is sent again under its id. Each attempt to deliver a message has
/// a delivery id and an attempt number of its own. A receive gets a message once.
struct MessagesArriveOnce: Rule {
    let name = "messages arrive once"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        var deliveries: Set<DeliveryID> = []
        for message in ledger.messages {
            let isQueue = ledger.channel(message.name.channel)?.isQueue == true
            let commits = message.commits(in: ledger)
            if isQueue, commits > 1 { breaches.append("\(message.name) was taken \(commits) times") }
            var attempts: Set<Int> = []
            var receivers: Set<Int> = []
            for receipt in message.receipts {
                if let delivery = receipt.delivery, !deliveries.insert(delivery).inserted {
                    breaches.append("\(delivery) names two deliveries")
                }
                if let attempt = receipt.attempt, !message.hasID, !receipt.isDead, !ledger.hasRedrives,
                    !attempts.insert(attempt).inserted
                {
                    breaches.append("\(message.name) was delivered twice as attempt \(attempt)")
                }
                if receipt.delivery == nil, !receipt.isDead, !ledger.hasRedrives,
                    !receivers.insert(receipt.exchange).inserted
                {
                    breaches.append("t\(receipt.exchange) received \(message.name) twice")
                }
            }
        }
        return breaches
    }
}
