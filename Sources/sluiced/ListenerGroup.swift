import Glibc
import SluiceHub
import SluiceRuntime

/// The open listeners of one item of `listen`, or of `web`. A host name can have several addresses, with a listener for each.
struct ListenerGroup: Sendable {
    /// How often to choose another port if one of the addresses does not have the port that the system chose.
    private static let mostAttempts = 16

    let listeners: [Listener]
    /// The proxies in front of the listeners; nil if clients connect directly.
    let proxies: TrustedProxies?
    /// How the listeners identify clients as principals.
    let mapping: PrincipalMapping
    /// What the log should tell about the addresses.
    let remarks: [String]

    /// Starts to listen, or takes over the inherited sockets that listen already.
    init(
        _ setting: ListenerSetting, options: Listener.Options, on reactor: Reactor,
        inheriting inherited: inout InheritedSockets
    ) throws(SettingsError) {
        var options = options
        options.permissions = setting.mode
        options.group = setting.group
        let tls = try setting.tls?.makeContext()
        do throws(SluiceError) {
            func adopt(_ socket: InheritedSocket) throws(SluiceError) -> Listener {
                try Listener.adopt(Descriptor(owning: socket.number), on: reactor, tls: tls, options: options)
            }
            for socket in setting.inherited { inherited.take(socket) }
            let named = inherited
            let addresses = setting.inherited.isEmpty ? try Self.addresses(of: setting.address) : []
            let bound = try Self.bind(to: addresses, options) { address, options throws(SluiceError) in
                if let socket = inherited.take(at: address) { return try adopt(socket) }
                return try Listener.bind(to: address, on: reactor, tls: tls, options: options)
            }
            listeners = try bound + setting.inherited.map { socket throws(SluiceError) in try adopt(socket) }
            var remarks = addresses.filter { address in !bound.contains { $0.localAddress.host == address.host } }
                .map { "this machine lacks the address \($0.host) of \(setting.address)" }
            if case .tcp(host: "::", let port) = setting.address {
                remarks.append("[::]:\(port) accepts IPv6 only; listen on 0.0.0.0:\(port) too for IPv4")
            }
            if inherited != named, setting.mode != ListenerSetting.defaultMode || setting.group != nil {
                remarks.append("\(setting.address) is an inherited socket, so its mode and group stay as they are")
            }
            self.remarks = remarks
        } catch {
            throw SettingsError(error.message, status: ExitStatus(bindFailure: error))
        }
        mapping = setting.mapping
        proxies = setting.proxyNetworks.map { TrustedProxies(networks: $0) }
    }

    /// Returns the addresses of a host name, each once, in the order of the lookup.
    private static func addresses(of listen: ListenAddress) throws(SluiceError) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        for address in try SocketAddress.resolve(listen.description) where !addresses.contains(address) {
            addresses.append(address)
        }
        return addresses
    }

    /// Binds a listener to each address. Leaves out addresses that the machine lacks, unless it lacks all of them.
    ///
    /// For port 0, all listeners get the port that the system chooses for the first one.
    private static func bind(
        to addresses: [SocketAddress], _ options: Listener.Options,
        _ bind: (SocketAddress, Listener.Options) throws(SluiceError) -> Listener
    ) throws(SluiceError) -> [Listener] {
        var attempts = 0
        while true {
            var listeners: [Listener] = []
            var missing: SluiceError?
            do throws(SluiceError) {
                for address in addresses {
                    let port = listeners.first?.localAddress.port
                    do throws(SluiceError) {
                        listeners.append(try bind(port.map { address.with(port: $0) } ?? address, options))
                    } catch {
                        guard [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.errno) else { throw error }
                        missing = error
                    }
                }
            } catch {
                for listener in listeners { listener.close() }
                attempts += 1
                guard error.errno == EADDRINUSE, addresses[0].port == 0, attempts < mostAttempts else { throw error }
                continue
            }
            if let missing, listeners.isEmpty { throw missing }
            return listeners
        }
    }

    /// Uses other certificates from now on.
    func replaceTLS(with context: TLSServerContext) {
        for listener in listeners { listener.replaceTLS(with: context) }
    }

    /// The first address with TLS on a port, as clients write it. Nil if there is none.
    var secureAddress: String? {
        guard let listener = listeners.first, listener.usesTLS, listener.localAddress.port != nil else { return nil }
        return "\(ServerLocation.tlsScheme)\(listener.localAddress.reachable)"
    }

    /// The line on stdout that says that the listeners are open, with all their addresses.
    var readyLine: String {
        readyLine { listener in
            switch listener.localAddress {
            case .ipv4, .ipv6: "\(listener.usesTLS ? "tls" : "tcp")=\(listener.localAddress)"
            case .unix(let path): "\(listener.usesTLS ? "tls=unix:" : "unix=")\(path)"
            }
        }
    }

    /// The same line for the web door.
    var webReadyLine: String {
        readyLine { "\($0.usesTLS ? "https" : "http")=\($0.localAddress)" }
    }

    private func readyLine(_ describe: (Listener) -> String) -> String {
        "ready \(listeners.map(describe).joined(separator: " "))\n"
    }
}

extension SocketAddress {
    /// The address, with loopback in place of an address that stands for all, which no certificate names.
    fileprivate var reachable: SocketAddress {
        switch self {
        case .ipv4(0, let port): .ipv4(0x7F00_0001, port: port)
        case .ipv6(0, let port, _): .ipv6(1, port: port)
        case .ipv4, .ipv6, .unix: self
        }
    }
}

extension ExitStatus {
    /// The exit status for a listener that cannot be bound.
    fileprivate init(bindFailure error: SluiceError) {
        switch error.errno {
        case EACCES, EPERM: self = .noPermission
        default: self = .unavailable
        }
    }
}
