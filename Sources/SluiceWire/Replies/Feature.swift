/// An addition to the first version of the protocol, which `HELLO` announces in `features=`.
package enum Feature: String, CaseIterable, Sendable {
    /// `CALL`, and the answers of `ACK`.
    case call
    /// `REJECT`, the failure policy of `OPEN`, and `REDRIVE`.
    case reject
    /// `SEND delay=`.
    case delay
    /// The fences of leases.
    case fence
    /// `TIMEOUT receivers=0`, for a client whose `HELLO` has named it.
    case receivers
    /// `OK rejected=yes` of `NACK`, for a client whose `HELLO` has named it.
    case rejected
    /// `ACK reply=error`.
    case reply
    /// `trace=` of `SEND`, `CALL` and the `send` arms of `SELECT`, and of `MSG`.
    case trace
    /// `OK kept=yes` of sends, for a client whose `HELLO` has named it.
    case kept

    /// Returns the additions that a list with commas names. Unknown ones are left out.
    package static func list(_ text: some StringProtocol) -> Set<Feature> {
        Set(text.split(separator: ",").compactMap { Feature(rawValue: String($0)) })
    }

    /// Returns the list as it is sent.
    static func text(of features: Set<Feature>) -> String {
        allCases.filter { features.contains($0) }.map(\.rawValue).joined(separator: ",")
    }

    /// All additions as `HELLO` announces them.
    package static var attributes: Attributes {
        var attributes = Attributes()
        if let all = Attribute(.features, text(of: Set(allCases))) { attributes.append(all) }
        return attributes
    }
}
