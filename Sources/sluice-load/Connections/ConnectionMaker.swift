import SluiceWire

/// Makes the connections of each thread of a run.
struct ConnectionMaker {
    let plan: RunPlan
    private let pattern: MessagePattern
    private let greeting: SluiceGreeting

    init(_ plan: RunPlan, _ pattern: MessagePattern) {
        self.plan = plan
        self.pattern = pattern
        greeting = SluiceGreeting(plan.credentials)
    }

    /// Adds the thread's connections. The sender and the receiver of a private channel share a thread.
    func addConnections(to thread: LoadThread) throws(LoadFailure) {
        for sender in stride(from: thread.index, to: plan.senders, by: plan.threads) {
            try addSource(sender, to: thread)
        }
        for vandal in stride(from: thread.index, to: plan.vandals, by: plan.threads) {
            thread.add(bystander: Vandal(thread, identity: vandal, greeting))
        }
        guard plan.workload.hasReceivers else { return }
        for receiver in stride(from: thread.index, to: plan.receivers, by: plan.threads) {
            try addReceiver(receiver, to: thread)
        }
    }

    private func addSource(_ sender: Int, to thread: LoadThread) throws(LoadFailure) {
        let channel = plan.channel(sender % plan.channels)
        switch (plan.workload, plan.contestant) {
        case (.ping, .sluice): add(SluicePinging(greeting, depth: plan.depth))
        case (.ping, .nats): add(NatsPinging(depth: plan.depth))
        case (.ping, .redis): add(RedisPinging(depth: plan.depth))
        case (.barrier, .sluice):
            let parties = plan.share(of: plan.senders, for: thread.index)
            let barrier = "\(plan.prefix)/\(thread.index)"
            thread.add(source: BarrierParty(thread, barrier: barrier, parties: parties, greeting))
        case (.connect, .sluice):
            thread.add(
                source: Reconnector(
                    thread, requests: greeting.request + Array("QUIT\n".utf8),
                    answers: greeting.answer + Array("OK\n".utf8)))
        case (.connect, .redis):
            thread.add(
                source: Reconnector(
                    thread, requests: Redis.ping + Redis.command("QUIT"), answers: Redis.pong + Array("+OK\r\n".utf8)))
        case (.broadcast, .sluice): add(broadcast(channel, sender))
        case (.call, .sluice):
            add(
                SluiceSending(
                    channel, greeting, pattern, sender: sender, depth: plan.depth, verb: "CALL", done: "DATA 2\nok"))
        case (_, .sluice) where plan.workload.hasReceivers:
            add(SluiceSending(channel, greeting, pattern, sender: sender, depth: plan.depth))
        case (_, .redis): add(redis(channel, sender, replies: nil))
        case (_, .redisReply): add(redis(channel, sender, replies: "\(plan.prefix)/reply/"))
        case (.stream, .nats): add(NatsPublishing(channel, pattern, sender: sender))
        case (_, .nats):
            add(NatsRequesting(channel, pattern, sender: sender, depth: plan.depth, inboxes: "\(plan.prefix)/reply/"))
        case (_, .beanstalkd): add(BeanstalkdPutting(channel, pattern, sender: sender, depth: plan.depth))
        default: throw unsupported
        }
        func add(_ dialect: some SendingDialect) {
            thread.add(source: MessageSender(thread, identity: sender, dialect))
        }
    }

    private func broadcast(_ channel: String, _ sender: Int) -> SluiceSending {
        let opening = SluiceGreeting(plan.credentials, then: "OPEN kind=broadcast \(channel)\n", answered: "OK\n")
        return SluiceSending(
            channel, opening, pattern, sender: sender, depth: plan.depth, options: "need=\(plan.receivers) ",
            done: "OK receivers=\(plan.receivers)", farewell: "CLOSE \(channel)\n")
    }

    private func redis(_ channel: String, _ sender: Int, replies: String?) -> RedisSending {
        RedisSending(channel, pattern, sender: sender, depth: plan.depth, replies: replies)
    }

    private func addReceiver(_ receiver: Int, to thread: LoadThread) throws(LoadFailure) {
        // In `select`, every receiver has the same number of channels, each of them an arm.
        let arms = plan.channels / plan.receivers
        let index = receiver % plan.channels
        let channel = plan.channel(index)
        let senders =
            plan.workload == .select
            ? stride(from: receiver * arms, to: (receiver + 1) * arms, by: 1)
            : stride(from: index, to: plan.senders, by: plan.channels)
        switch (plan.workload, plan.contestant) {
        case (.handoff, .sluice), (.fanIn, .sluice), (.fanOut, .sluice): add(sluice(.single))
        case (.lease, .sluice): add(sluice(.leased))
        case (.call, .sluice): add(sluice(.answering))
        case (.stream, .sluice), (.worker, .sluice), (.broadcast, .sluice): add(sluice(.counted))
        case (.select, .sluice):
            add(
                SluiceSelecting(
                    "\(plan.prefix)/", channels: receiver * arms..<(receiver + 1) * arms, greeting,
                    bodyBytes: plan.bodyBytes))
        case (_, .redis): add(RedisReceiving(channel, bodyBytes: plan.bodyBytes, replies: nil))
        case (_, .redisReply):
            add(RedisReceiving(channel, bodyBytes: plan.bodyBytes, replies: "\(plan.prefix)/reply/"))
        case (_, .nats):
            add(NatsReceiving(channel, bodyBytes: plan.bodyBytes, replies: plan.workload != .stream))
        case (_, .beanstalkd): add(BeanstalkdReserving(channel, bodyBytes: plan.bodyBytes))
        default: throw unsupported
        }
        func add(_ dialect: some ReceivingDialect) {
            thread.add(sink: MessageReceiver(thread, senders: senders, dialect))
        }
        func sluice(_ manner: SluiceReceiving.RequestStyle) -> SluiceReceiving {
            SluiceReceiving(
                channel, greeting, bodyBytes: plan.bodyBytes, manner, window: min(plan.depth, Limits().maxWindow))
        }
    }

    private var unsupported: LoadFailure {
        LoadFailure("\(plan.contestant.rawValue) does not support \(plan.workload.rawValue)")
    }
}
