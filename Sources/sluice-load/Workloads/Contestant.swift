/// Which server, and in which of its ways.
enum Contestant: String, CaseIterable, Sendable {
    case sluice, redis
    case redisReply = "redis-reply"
    case nats, beanstalkd

    /// How it does a workload; nil when it has nothing like it.
    func manner(_ workload: Workload) -> String? {
        switch (self, workload) {
        case (.sluice, .handoff), (.sluice, .fanIn), (.sluice, .fanOut): "SEND, RECV"
        case (.sluice, .lease): "SEND, RECV lease=30s, ACK"
        case (.sluice, .stream): "SEND, RECV count=*"
        case (.sluice, .select): "SEND, SELECT"
        case (.sluice, .broadcast): "SEND need=N, RECV count=*"
        case (.sluice, .barrier): "BARRIER"
        case (_, .ping): self == .beanstalkd ? nil : "PING"
        case (.sluice, .connect), (.redis, .connect): "connect, PING, QUIT"
        case (.redis, .handoff), (.redis, .fanIn), (.redis, .fanOut), (.redis, .lease), (.redis, .stream):
            "LPUSH, BRPOP"
        case (.redisReply, .handoff), (.redisReply, .fanIn), (.redisReply, .fanOut), (.redisReply, .lease):
            "LPUSH, BRPOP, and a reply list"
        case (.nats, .handoff), (.nats, .fanIn), (.nats, .fanOut), (.nats, .lease): "request and reply, queue group"
        case (.nats, .stream): "PUB, SUB"
        case (.beanstalkd, .handoff), (.beanstalkd, .lease), (.beanstalkd, .fanIn), (.beanstalkd, .fanOut):
            "put, reserve, delete"
        default: nil
        }
    }

    /// Whether a sender is answered although nobody has its message yet. Then it is counted where it arrives, and senders
    /// are held back before they are too far ahead.
    func isAnsweredEarly(_ workload: Workload) -> Bool {
        switch self {
        case .sluice, .redisReply: false
        case .redis, .beanstalkd: workload.hasReceivers
        case .nats: workload == .stream
        }
    }
}
