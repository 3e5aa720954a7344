import SluiceRuntime

/// What only mutants do.
extension HubStateMachine {
    /// Has the sender that waits longest stand behind all others.
    func passOverFirstSender(of channel: NamedChannel) {
        guard let offer = channel.engine.takeSender() else { return }
        offer.place = .queued(channel.engine.park(offer, message: offer))
    }

    /// The same for a receiver.
    func passOverFirstReceiver(of channel: NamedChannel) {
        guard let first = channel.engine.firstParkedReceiver, let operation = operations[first.operation],
            case .receive(_, _, let lease) = operation.wait, let receiver = channel.engine.takeReceiver()
        else { return }
        let ticket = channel.engine.park(receiver)
        operation.wait = .receive(channel, ticket, leaseNanoseconds: lease)
    }
}
