/// Every received message was sent before on the same channel, byte for byte.
struct ReceivedMessagesWereSent: Rule {
    let name = "received messages were sent"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches = ledger.phantoms
        for message in ledger.messages {
            guard let first = message.receipts.first, let send = message.sends.first else { continue }
            if first.moment < ledger.exchanges[send.exchange].sent {
                breaches.append("\(message.name) was received before it was sent")
            }
        }
        return breaches
    }
}
