import SluiceHub
import SluiceWire

/// Counted receives take no messages that their client does not read: while it takes nothing, the hub decides on as many as
/// the network and the bound of its output hold, and on one more for each of the receives, which may have begun to wait
/// when there was room.
struct FlowIsHeldBack: Rule {
    let name = "flow is held back"

    func breaches(in ledger: Ledger) -> [String] {
        let setting = ledger.history.plan.setting
        var bytes: [Stall: Int] = [:]
        var receives: [Stall: Set<Int>] = [:]
        for story in ledger.stories where !story.hasID {
            for receipt in story.receipts where receipt.lease == nil {
                guard let stall = stall(of: receipt, story, ledger) else { continue }
                bytes[stall, default: 0] += story.body.count
                receives[stall, default: []].insert(receipt.act)
            }
        }
        return bytes.keys.sorted { ($0.line, $0.number) < ($1.line, $1.number) }.compactMap { stall in
            let bound = setting.outputRoom + setting.limits.outputBytes + 2048 * (receives[stall]?.count ?? 0)
            guard let count = bytes[stall], count > bound else { return nil }
            return "line \(stall.line) was given \(count) bytes while it took nothing, of \(bound)"
        }
    }

    private struct Stall: Hashable {
        let line: Int
        let number: Int
    }

    /// The stall of its receiver in which a message was certainly taken by a counted receive.
    private func stall(of receipt: Receipt, _ story: Story, _ ledger: Ledger) -> Stall? {
        let act = ledger.acts[receipt.act]
        guard case .receive(let receive)? = act.command, receive.count != nil,
            let send = story.sends.first.map({ ledger.acts[$0.act] }), send.isDone, let answered = send.final?.moment,
            ledger.channel(story.name.channel)?.isRendezvous == true
        else { return nil }
        let stalls = ledger.history.lines[act.line].stalls
        return stalls.firstIndex { $0.begin < send.sent && answered.time < $0.end }.map {
            Stall(line: act.line, number: $0)
        }
    }
}
