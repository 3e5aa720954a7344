/// The setting `web`: the listener of the web door, and its names.
struct WebSetting: Equatable, Sendable {
    var listener: ListenerSetting

    /// The names that requests may have in `Host`, besides IP addresses, `localhost` and the listener's own host.
    var hosts: [String]

    /// The name of HTTP/1.1 in TLS.
    static let applicationProtocol = "http/1.1"

    init(_ listener: ListenerSetting, hosts: [String] = []) {
        self.listener = listener
        self.hosts = hosts
    }

    /// All names, including the host of the listener.
    var allHosts: [String] {
        if case .tcp(let host, _) = listener.address { hosts + [host] } else { hosts }
    }

    /// Whether the open door can change to `other` without a restart.
    func canBecome(_ other: WebSetting) -> Bool { listener.canBecome(other.listener) && hosts == other.hosts }
}
