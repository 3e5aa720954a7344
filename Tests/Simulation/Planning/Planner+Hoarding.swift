import SluiceRuntime
import SluiceWire

/// Clients that park many operations at once, and commands that end all of them.
extension Planner {
    /// Makes many operations of one kind in one write.
    mutating func hoard() -> Action {
        let (channel, count) = (channel(), 20 + chance.below(60))
        let kind = chance.below(8)
        let hasTimeouts = chance.happens(1, of: 2)
        let isWide = chance.happens(1, of: 2)
        if kind == 7 { divideHoard() }
        if kind == 6, let name = ChannelName("g\(count + 1)") { crowdedBarrier = .barrier(name, parties: count + 1) }
        var operations = (0..<count).map { number in
            let timeout: Duration? = hasTimeouts ? .milliseconds(1 + chance.below(300)) : nil
            let text = "m\(stepCount).\(number)"
            return Operation(command: hoarded(kind, channel.name, text, timeout, isWide))
        }
        // The reply to the PING proves that the hub has read all of them.
        operations[count - 1].isFenced = true
        return .burst(operations)
    }

    private mutating func hoarded(
        _ kind: Int, _ name: ChannelName, _ text: String, _ timeout: Duration?, _ isWide: Bool
    )
        -> Command
    {
        switch kind {
        case 0, 1: return .receive(ReceiveCommand(channel: name, timeout: timeout))
        case 2: return .send(SendCommand(channel: name, body: Body(text.utf8), timeout: timeout))
        case 4:
            // Some messages stay in a buffer until they are taken, and selects wait for room in it.
            if chance.happens(1, of: 4) {
                return .send(SendCommand(channel: name, body: Body(text.utf8), timeout: timeout, until: .taken))
            }
            return .select(SelectCommand(arms: [.send(name, Body(text.utf8)), .receive(channel().name, lease: nil)]))
        case 3:
            let other = channel().name
            var select = SelectCommand(arms: [
                .receive(name, lease: nil),
                chance.happens(1, of: 2) ? .receive(other, lease: nil) : .send(other, Body(text.utf8)),
            ])
            // The removal of many arms takes steps.
            if isWide { for _ in 0..<16 { select.arms.append(.receive(other, lease: nil)) } }
            select.timeout = timeout
            return .select(select)
        case 6:
            if case .barrier(let barrier, let parties?) = crowdedBarrier {
                return .barrier(BarrierCommand(barrier, parties: parties, timeout: timeout))
            }
            return .receive(ReceiveCommand(channel: name, timeout: timeout))
        case 7:
            guard let divided else { return .receive(ReceiveCommand(channel: name, timeout: timeout)) }
            return .select(
                SelectCommand(arms: [
                    .receive(divided.receiving.name, lease: nil), .send(divided.sending.name, Body(text.utf8)),
                ]))
        default:
            // Repeated sends under one id, which no other send of the plan has.
            var send = SendCommand(channel: name, body: Body("k9".utf8), timeout: timeout)
            if "rb".contains(name.description.prefix(1)) {
                send.identity = MessageID("k9").map { SendIdentity($0) }
            } else {
                send.body = .owned(Body(text.utf8))
            }
            return .send(send)
        }
    }

    /// Makes many sends or receives in one write, each of which may meet a parked operation.
    private mutating func meetings(on name: ChannelName) -> Action {
        let sends = chance.happens(1, of: 2)
        return .burst(
            (0..<(20 + chance.below(60))).map { number in
                let body = Body("m\(stepCount).\(number)".utf8)
                return Operation(
                    command: sends
                        ? .send(SendCommand(channel: name, body: body, timeout: .seconds(1)))
                        : .receive(ReceiveCommand(channel: name, timeout: .zero)))
            })
    }

    /// Chooses the channels of selects that receive from a broadcast and send to another channel.
    private mutating func divideHoard() {
        guard let sending = setting.channels.first(where: { $0.declaration == .rendezvous }),
            let receiving = setting.channels.first(where: { $0.declaration == .broadcast })
        else { return }
        divided = (receiving, sending)
    }

    /// Makes a send that many operations may receive, and leased receives that meet some of these meanwhile. So selects
    /// commit to another arm while a message is delivered to them.
    private mutating func distraction(from name: ChannelName) -> Action {
        let name = divided?.receiving.name ?? name
        var operations = [
            Operation(
                command: .send(
                    SendCommand(channel: name, body: Body("m\(stepCount).0".utf8), timeout: .seconds(1))))
        ]
        for _ in 0..<(2 + chance.below(6)) {
            let other = divided?.sending ?? channel()
            operations.append(
                Operation(
                    command: .receive(
                        ReceiveCommand(
                            channel: other.name, timeout: .seconds(1), lease: other.isQueue ? .seconds(1) : nil)),
                    reaction: .acknowledge(after: milliseconds(100))))
        }
        return .burst(operations)
    }

    /// Makes leases that are acknowledged just after their end, when many timeouts of receives end as well, so that the
    /// hub may be behind.
    private mutating func lateAcknowledgements(behind name: ChannelName) -> Action {
        let life = milliseconds(50)
        var operations = (0..<40).map { _ in
            Operation(command: .receive(ReceiveCommand(channel: name, timeout: .nanoseconds(Int64(life)))))
        }
        for _ in 0..<6 {
            let channel = channel()
            guard channel.isQueue, channel.name != name else { continue }
            operations.append(
                Operation(
                    command: .receive(
                        ReceiveCommand(
                            channel: channel.name, timeout: .seconds(1), lease: .nanoseconds(Int64(life)))),
                    reaction: .acknowledge(after: life + milliseconds(8))))
        }
        return .burst(operations)
    }

    /// Makes an action that ends many parked operations.
    mutating func endHoard() -> Action {
        let name = channel().name
        if divided != nil, chance.happens(1, of: 3) { return distraction(from: name) }
        switch chance.below(16) {
        case ...1 where endsChannels: return .operate(Operation(command: .poison(name, "enough")))
        case 2 where endsChannels: return .operate(Operation(command: .close(name)))
        case 3: return .breakOff
        case 4: return .finishSending
        case 5, 6:
            guard case .barrier(let barrier, let parties?) = crowdedBarrier else { return hoard() }
            return .operate(Operation(command: .barrier(BarrierCommand(barrier, parties: parties))))
        case 7, 8: return .operate(Operation(command: .receive(ReceiveCommand(channel: name, timeout: .zero))))
        case 9: return .jump(nanoseconds: milliseconds(300))
        case 10, 11: return meetings(on: name)
        case 12, 13: return distraction(from: name)
        case 14: return lateAcknowledgements(behind: name)
        default:
            let body = Body("m\(stepCount).0".utf8)
            return .operate(Operation(command: .send(SendCommand(channel: name, body: body, timeout: .seconds(1)))))
        }
    }
}
