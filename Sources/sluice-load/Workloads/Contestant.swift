/// A server, and one of the ways to use it.
enum Contestant: String, CaseIterable, Sendable {
    case sluice, redis
    case redisReply = "redis-reply"
    case nats, beanstalkd

    /// The requests with which it does a workload; nil when it does not support the workload.
    func manner(_ workload: Workload) -> String? {
        switch (self, workload) {
        case (.sluice, .handoff), (.sluice, .fanIn), (.sluice, .fanOut): "SEND, RECV"
        case (.sluice, .lease): "SEND, RECV lease=30s, ACK"
        case (.sluice, .call): "CALL, RECV count=* lease=30s, ACK with the answer"
        case (.sluice, .worker), (.sluice, .stream): "SEND, RECV count=*"
        case (.sluice, .select): "SEND, SELECT"
        case (.sluice, .broadcast): "SEND need=N, RECV count=*"
        case (.sluice, .barrier): "BARRIER"
        case (_, .ping): self == .beanstalkd ? nil : "PING"
        case (.sluice, .connect), (.redis, .connect): "connect, PING, QUIT"
        case (.redis, .handoff), (.redis, .worker), (.redis, .fanIn), (.redis, .fanOut), (.redis, .lease),
            (.redis, .stream):
            "LPUSH, BRPOP"
        case (.redisReply, .handoff), (.redisReply, .worker), (.redisReply, .fanIn), (.redisReply, .fanOut),
            (.redisReply, .lease), (.redisReply, .call):
            "LPUSH, BRPOP, and a reply list"
        case (.nats, .handoff), (.nats, .worker), (.nats, .fanIn), (.nats, .fanOut), (.nats, .lease),
            (.nats, .call):
            "request and reply, queue group"
        case (.nats, .stream): "PUB, SUB"
        case (.beanstalkd, .handoff), (.beanstalkd, .worker), (.beanstalkd, .lease), (.beanstalkd, .fanIn),
            (.beanstalkd, .fanOut):
            "put, reserve, delete"
        default: nil
        }
    }

    /// Whether a sender is answered before a receiver has its message. Such a message is counted where it arrives, and
    /// senders that are too far ahead of the receivers are held back.
    func isAnsweredEarly(_ workload: Workload) -> Bool {
        switch self {
        case .sluice, .redisReply: false
        case .redis, .beanstalkd: workload.hasReceivers
        case .nats: workload == .stream
        }
    }
}
