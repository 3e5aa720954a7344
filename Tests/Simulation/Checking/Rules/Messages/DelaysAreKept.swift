import SluiceRuntime
import SluiceWire

/// No receiver gets a delayed message before it is due.
struct DelaysAreKept: Rule {
    let name = "delays are kept"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.compactMap { message in
            guard !message.hasID, let send = message.sends.first, let receipt = message.receipts.first else {
                return nil
            }
            let exchange = ledger.exchanges[send.exchange]
            guard receipt.moment.time < exchange.sent.time + exchange.delay.wholeNanoseconds else { return nil }
            return "\(message.name) was received by t\(receipt.exchange) before it was due"
        }
    }
}
