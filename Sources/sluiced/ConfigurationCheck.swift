import Foundation
import SluiceHub
import SluiceRuntime

/// Checks the settings without serving (`--check-config`).
struct ConfigurationCheck {
    let settings: Settings
    /// The present time, in seconds since 1970.
    let now: Int

    /// Certificates that expire within this time are pointed out.
    private static let soon = 30 * 86_400

    /// Reads the certificates too, and returns what there is to say, line by line.
    ///
    /// - Throws: ``SettingsError`` for a certificate that cannot be used or has expired.
    func lines() throws(SettingsError) -> [String] {
        var lines: [String] = []
        for listener in settings.allListeners {
            guard let tls = listener.tls else { continue }
            let path = tls.identity.certificatePath
            guard let expiry = try tls.makeContext().expiry else { continue }
            let date = Self.date(expiry)
            guard expiry > now else {
                throw SettingsError(
                    "\(path): the certificate of \(listener.address) expired on \(date)", status: .configuration)
            }
            let days = (expiry - now) / 86_400
            let warning = expiry - now < Self.soon ? "; renew it" : ""
            lines.append(
                "\(path): the certificate of \(listener.address) expires on \(date), in \(days) day\(days == 1 ? "" : "s")\(warning)"
            )
        }
        if let principals = settings.principals {
            lines.append("\(principals.count) principal\(principals.count == 1 ? "" : "s")")
            let names = principals.identifiedByCertificates
            if !names.isEmpty, !settings.allListeners.contains(where: { $0.identifiesBy != nil }) {
                lines.append(
                    "certificates identify nobody, because no listener has principal-from: \(names.joined(separator: ", "))"
                )
            }
        }
        return lines + ["ok"]
    }

    private static func date(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var fields = tm()
        gmtime_r(&time, &fields)
        var text = [CChar](repeating: 0, count: 16)
        strftime(&text, text.count, "%Y-%m-%d", &fields)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
