/// Who takes part in a run: gives each thread its connections.
struct Cast {
    let plan: Plan
    private let pattern: MessagePattern
    private let greeting: SluiceGreeting

    init(_ plan: Plan, _ pattern: MessagePattern) {
        self.plan = plan
        self.pattern = pattern
        greeting = SluiceGreeting(plan.credentials)
    }

    /// Sender and receiver of a private channel are on one thread.
    func fill(_ crew: Crew) throws(LoadFailure) {
        for sender in stride(from: crew.thread, to: plan.senders, by: plan.threads) {
            try addSender(sender, to: crew)
        }
        for vandal in stride(from: crew.thread, to: plan.vandals, by: plan.threads) {
            crew.add(bystander: Vandal(crew, identity: vandal, greeting))
        }
        guard plan.workload.hasReceivers else { return }
        for receiver in stride(from: crew.thread, to: plan.receivers, by: plan.threads) {
            try addReceiver(receiver, to: crew)
        }
    }

    private func addSender(_ sender: Int, to crew: Crew) throws(LoadFailure) {
        let channel = plan.channel(sender % plan.channels)
        switch (plan.workload, plan.contestant) {
        case (.ping, .sluice): add(SluicePinging(greeting, depth: plan.depth))
        case (.ping, .nats): add(NatsPinging(depth: plan.depth))
        case (.ping, .redis): add(RedisPinging(depth: plan.depth))
        case (.barrier, .sluice):
            let parties = plan.share(of: plan.senders, for: crew.thread)
            crew.add(Meeter(crew, "\(plan.prefix)/\(crew.thread)", parties: parties, greeting))
        case (.connect, .sluice):
            crew.add(
                Visitor(
                    crew, words: greeting.request + Array("QUIT\n".utf8), answers: greeting.answer + Array("OK\n".utf8))
            )
        case (.connect, .redis):
            crew.add(
                Visitor(crew, words: Redis.ping + Redis.command("QUIT"), answers: Redis.pong + Array("+OK\r\n".utf8)))
        case (.broadcast, .sluice): add(broadcast(channel, sender))
        case (_, .sluice) where plan.workload.hasReceivers:
            add(SluiceSending(channel, greeting, pattern, sender: sender, depth: plan.depth))
        case (_, .redis): add(redis(channel, sender, replies: nil))
        case (_, .redisReply): add(redis(channel, sender, replies: "\(plan.prefix)/reply/"))
        case (.stream, .nats): add(NatsPublishing(channel, pattern, sender: sender))
        case (_, .nats):
            add(NatsRequesting(channel, pattern, sender: sender, depth: plan.depth, inboxes: "\(plan.prefix)/reply/"))
        case (_, .beanstalkd): add(BeanstalkdPutting(channel, pattern, sender: sender, depth: plan.depth))
        default: throw nothingLikeIt
        }
        func add(_ dialect: some SendingDialect) { crew.add(Sender(crew, identity: sender, dialect)) }
    }

    private func broadcast(_ channel: String, _ sender: Int) -> SluiceSending {
        let opening = SluiceGreeting(plan.credentials, then: "OPEN kind=broadcast \(channel)\n", answered: "OK\n")
        return SluiceSending(
            channel, opening, pattern, sender: sender, depth: plan.depth, options: "need=\(plan.receivers) ",
            done: "OK receivers=\(plan.receivers)", parting: "CLOSE \(channel)\n")
    }

    private func redis(_ channel: String, _ sender: Int, replies: String?) -> RedisSending {
        RedisSending(channel, pattern, sender: sender, depth: plan.depth, replies: replies)
    }

    private func addReceiver(_ receiver: Int, to crew: Crew) throws(LoadFailure) {
        // A select has as many arms as there are channels for each receiver.
        let arms = plan.channels / plan.receivers
        let index = receiver % plan.channels
        let channel = plan.channel(index)
        let senders =
            plan.workload == .select
            ? stride(from: receiver * arms, to: (receiver + 1) * arms, by: 1)
            : stride(from: index, to: plan.senders, by: plan.channels)
        switch (plan.workload, plan.contestant) {
        case (.handoff, .sluice), (.fanIn, .sluice), (.fanOut, .sluice): add(sluice(.one))
        case (.lease, .sluice): add(sluice(.leased))
        case (.stream, .sluice), (.broadcast, .sluice): add(sluice(.counted))
        case (.select, .sluice):
            add(
                SluiceSelecting(
                    "\(plan.prefix)/", channels: receiver * arms..<(receiver + 1) * arms, greeting,
                    bodyBytes: plan.bodyBytes))
        case (_, .redis): add(RedisReceiving(channel, bodyBytes: plan.bodyBytes, replies: nil))
        case (_, .redisReply):
            add(RedisReceiving(channel, bodyBytes: plan.bodyBytes, replies: "\(plan.prefix)/reply/"))
        case (_, .nats):
            add(NatsReceiving(channel, bodyBytes: plan.bodyBytes, isAsked: plan.workload != .stream))
        case (_, .beanstalkd): add(BeanstalkdReserving(channel, bodyBytes: plan.bodyBytes))
        default: throw nothingLikeIt
        }
        func add(_ dialect: some ReceivingDialect) { crew.add(Receiver(crew, senders: senders, dialect)) }
        func sluice(_ manner: SluiceReceiving.Manner) -> SluiceReceiving {
            SluiceReceiving(channel, greeting, bodyBytes: plan.bodyBytes, manner)
        }
    }

    private var nothingLikeIt: LoadFailure {
        LoadFailure("\(plan.contestant.rawValue) has nothing like \(plan.workload.rawValue)")
    }
}
