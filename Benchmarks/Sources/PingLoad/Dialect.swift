/// What a ping and its answer look like on the wire.
enum Dialect: String, CaseIterable {
    case sluice
    case redisInline = "redis-inline"
    case redisArray = "redis-resp"

    var request: String {
        switch self {
        case .sluice: "PING\n"
        case .redisInline: "PING\r\n"
        case .redisArray: "*1\r\n$4\r\nPING\r\n"
        }
    }

    var reply: String {
        switch self {
        case .sluice: "OK\n"
        case .redisInline, .redisArray: "+PONG\r\n"
        }
    }
}
