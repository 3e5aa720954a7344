import Foundation
import SluiceRuntime
import SluiceWire

/// The throw-away certificate of `--dev-tls`.
enum DevelopmentCertificate {
    /// Makes a certificate for this machine's names and the hosts of the listeners.
    static func make(for listeners: [ListenerSetting]) throws(SettingsError) -> ThrowawayCertificate {
        var names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
        let machine = ProcessInfo.processInfo.hostName
        if machine.first?.isLetter == true, ListenAddress.isName(machine) { names.append("DNS:\(machine)") }
        for case .tcp(let host, _) in listeners.map(\.address) where !["0.0.0.0", "::"].contains(host) {
            names.append(ListenAddress.isIPAddress(host) ? "IP:\(host)" : "DNS:\(host)")
        }
        do throws(SluiceError) {
            return try ThrowawayCertificate(
                for: Set(names).sorted(), in: FileManager.default.temporaryDirectory.path(percentEncoded: false).trimmed
            )
        } catch {
            throw SettingsError("--dev-tls: \(error.message)", status: .systemError)
        }
    }

}

extension String {
    /// Without the slash at its end.
    fileprivate var trimmed: String { hasSuffix("/") && count > 1 ? String(dropLast()) : self }
}

extension Settings {
    /// Gives TLS with the throw-away certificate to the listeners on ports that have none of their own.
    mutating func use(_ certificate: ThrowawayCertificate) {
        for index in listen.indices { listen[index].use(certificate, for: sluiceApplicationProtocol) }
        web?.listener.use(certificate, for: WebSetting.applicationProtocol)
    }
}

extension ListenerSetting {
    fileprivate mutating func use(_ certificate: ThrowawayCertificate, for applicationProtocol: String) {
        guard tls == nil, hasPort else { return }
        var tls = TLSServerContext.Options(identity: certificate.identity)
        tls.applicationProtocols = [applicationProtocol]
        self.tls = tls
    }
}
