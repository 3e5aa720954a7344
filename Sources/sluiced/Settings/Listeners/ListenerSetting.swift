import SluiceHub
import SluiceRuntime
import SluiceWire

/// A listener: its address, and how it treats those who connect.
struct ListenerSetting: Equatable, Sendable {
    var address: ListenAddress

    /// Nil for a listener without TLS.
    var tls: TLSServerContext.Options?

    /// The mode of a Unix-domain socket's file.
    var mode = ListenerSetting.defaultMode
    static let defaultMode: UInt32 = 0o600

    /// The group of a Unix-domain socket's file; nil leaves it to the system.
    var group: UInt32?

    /// The networks of the proxies; nil if clients connect directly.
    var proxyNetworks: [NetworkRange]?

    /// The kind of names in clients' certificates that identify principals; nil if certificates do not.
    var identifiesBy: CertificateNameKind?

    /// The principals of the users that connect through a Unix-domain socket.
    var userPrincipals: [UInt32: String] = [:]

    /// The sockets that an address `fd:NAME` stands for; empty for other addresses, and while only the settings are
    /// checked.
    var inherited: [InheritedSocket] = []

    init(_ address: ListenAddress, tls: TLSServerContext.Options? = nil) {
        self.address = address
        self.tls = tls
    }

    static func tcp(host: String, port: UInt16) -> ListenerSetting { ListenerSetting(.tcp(host: host, port: port)) }
    static func unix(path: String) -> ListenerSetting { ListenerSetting(.unix(path: path)) }

    /// Whether anybody on another machine can connect without authentication by the listener.
    var isExposed: Bool { isReachable && tls?.authenticatesClients != true }

    private var isReachable: Bool { !address.isLocal || inherited.contains { !$0.address.isLocal } }

    /// Whether clients connect to a port.
    var hasPort: Bool {
        switch address {
        case .tcp: true
        case .unix: false
        case .inherited: inherited.contains { $0.address.port != nil }
        }
    }

    /// The part that needs a restart to change: everything except the keys of `tls`, but with `principal-from`.
    private var fixedPart: ListenerSetting {
        var fixed = self
        fixed.tls = tls.map { _ in TLSServerContext.Options(identity: TLSIdentity(certificatePath: "", keyPath: "")) }
        return fixed
    }

    /// How the listener identifies clients as principals.
    var mapping: PrincipalMapping {
        var mapping = PrincipalMapping()
        mapping.certificateNames = identifiesBy
        mapping.users = userPrincipals.compactMapValues { ChannelName($0) }
        return mapping
    }

    /// Whether the open listener can change to `other` without a restart.
    func canBecome(_ other: ListenerSetting) -> Bool { fixedPart == other.fixedPart }
}
