import Glibc
import SluiceRuntime

/// A socket on which the service manager has begun to listen, and which it passes on to the daemon.
struct InheritedSocket: Equatable, Sendable {
    /// The descriptor.
    let number: Int32
    /// The name that the service manager gives it: `FileDescriptorName` of a socket unit.
    let name: String
    /// The address on which the socket listens.
    let address: SocketAddress
}

/// The sockets that the service manager passes on to the daemon, by the protocol of `sd_listen_fds` (socket activation).
///
/// `LISTEN_FDS` is their number, `LISTEN_FDNAMES` has their names, and `LISTEN_PID` is the process for which they are.
struct InheritedSockets: Equatable, Sendable {
    /// The name of the sockets that serve HTTP if the key `web` is not set.
    static let webName = "web"
    /// The descriptor of the first socket; the others follow it.
    private static let firstNumber: Int32 = 3
    /// The most sockets that are accepted.
    private static let maxCount = 1024

    let sockets: [InheritedSocket]
    /// The descriptors that no listener has taken.
    private var free: Set<Int32>

    /// Makes a table of sockets, none of which a listener has taken.
    init(_ sockets: [InheritedSocket] = []) {
        self.sockets = sockets
        free = Set(sockets.map(\.number))
    }

    /// Reads the variables, and checks the descriptors.
    ///
    /// - Parameters:
    ///   - process: the number of this process.
    ///   - address: returns the address of a descriptor that listens.
    /// - Throws: ``SettingsError`` that names the variable with the mistake.
    init(
        _ environment: [String: String], process: Int32 = getpid(),
        address: (Int32) throws(SluiceError) -> SocketAddress = { number throws(SluiceError) in
            try Listener.address(ofListening: number)
        }
    ) throws(SettingsError) {
        self.init()
        // Variables for another process are no concern of this one, which may have inherited them.
        guard let countText = environment["LISTEN_FDS"], let ownerText = environment["LISTEN_PID"] else { return }
        guard let owner = Int32(ownerText), owner > 0 else {
            throw Self.mistake("LISTEN_PID: \(ownerText.debugDescription) is not the number of a process")
        }
        guard owner == process else { return }
        guard let count = Int(countText), (0...Self.maxCount).contains(count) else {
            throw Self.mistake(
                "LISTEN_FDS: \(countText.debugDescription) is not a whole number from 0 to \(Self.maxCount)")
        }
        let names = try Self.names(environment["LISTEN_FDNAMES"], count: count)
        var sockets: [InheritedSocket] = []
        for (offset, name) in names.enumerated() {
            let number = Self.firstNumber + Int32(offset)
            do throws(SluiceError) {
                sockets.append(InheritedSocket(number: number, name: name, address: try address(number)))
            } catch {
                throw Self.mistake("LISTEN_FDS: descriptor \(number) (\(name)) \(error.message)")
            }
        }
        self.init(sockets)
    }

    private static func names(_ text: String?, count: Int) throws(SettingsError) -> [String] {
        guard let text, !text.isEmpty else { return Array(repeating: "unknown", count: count) }
        let names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard names.count == count else {
            throw mistake(
                "LISTEN_FDNAMES: it has \(names.count) name\(names.count == 1 ? "" : "s"), and LISTEN_FDS is \(count)")
        }
        return names
    }

    private static func mistake(_ message: String) -> SettingsError { SettingsError(message, status: .configuration) }

    /// The sockets with a name.
    func named(_ name: String) -> [InheritedSocket] { sockets.filter { $0.name == name } }

    /// The names of the sockets, each once, to end an error message.
    var description: String {
        var names: [String] = []
        for socket in sockets where !names.contains(socket.name) { names.append(socket.name) }
        guard !names.isEmpty else { return "the service manager passes none (LISTEN_FDS is not set)" }
        return "the service manager passes \(names.joined(separator: ", "))"
    }

    // MARK: Taking

    /// Takes the socket that listens on an address, for the only listener that uses it. Nil if there is none.
    mutating func take(at address: SocketAddress) -> InheritedSocket? {
        sockets.first { $0.address == address && free.remove($0.number) != nil }
    }

    /// Takes a socket for the only listener that uses it.
    mutating func take(_ socket: InheritedSocket) { free.remove(socket.number) }

    /// Refuses sockets that no listener has taken: their clients would wait for ever.
    func refuseUnused() throws(SettingsError) {
        guard let socket = sockets.first(where: { free.contains($0.number) }) else { return }
        throw Self.mistake(
            "LISTEN_FDS: neither listen nor web uses the socket \(socket.name) on \(socket.address); add \(ListenAddress.inherited(name: socket.name))"
        )
    }
}

extension Settings {
    /// Gives the inherited sockets to the listeners that name them. Without the keys `listen` and `web`, it is the
    /// sockets that decide where the daemon listens.
    mutating func use(
        _ inherited: InheritedSockets, writtenAs entries: [SettingsKey: SettingsEntry]
    ) throws(SettingsError) {
        let plain = inherited.sockets.filter { $0.name != InheritedSockets.webName }
        if entries[.listen] == nil, !plain.isEmpty {
            listen = plain.map { ListenerSetting($0) }
            if entries[.web] == nil { web = nil }
        }
        let webSockets = inherited.named(InheritedSockets.webName)
        if entries[.web] == nil, !webSockets.isEmpty, !listen.contains(where: { $0.address == Self.webAddress }) {
            web = WebSetting(ListenerSetting(Self.webAddress))
        }
        var used: Set<String> = []
        for index in listen.indices { try listen[index].use(inherited, &used, of: entries[.listen]) }
        try web?.listener.use(inherited, &used, of: entries[.web])
    }

    private static let webAddress = ListenAddress.inherited(name: InheritedSockets.webName)
}

extension ListenerSetting {
    /// A listener on one inherited socket.
    fileprivate init(_ socket: InheritedSocket) {
        self.init(.inherited(name: socket.name))
        inherited = [socket]
    }

    fileprivate mutating func use(
        _ sockets: InheritedSockets, _ used: inout Set<String>, of entry: SettingsEntry?
    ) throws(SettingsError) {
        guard case .inherited(let name) = address, inherited.isEmpty else { return }
        inherited = sockets.named(name)
        func error(_ problem: String) -> SettingsError {
            entry?.error(problem) ?? SettingsError(problem, status: .configuration)
        }
        guard !inherited.isEmpty else { throw error("there is no inherited socket \(name); \(sockets.description)") }
        guard used.insert(name).inserted else { throw error("two listeners use the inherited socket \(name)") }
        let isPath = inherited.allSatisfy { $0.address.port == nil }
        if proxyNetworks != nil, isPath { throw error("proxy is for an address with a port, and \(address) is a path") }
        if !userPrincipals.isEmpty, !isPath {
            throw error("user-principals is for an address with unix:, and \(address) has a port")
        }
    }
}
