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

    /// All additions as `HELLO` announces them.
    package static var attributes: Attributes {
        var attributes = Attributes()
        if let all = Attribute(.features, allCases.map(\.rawValue).joined(separator: ",")) { attributes.append(all) }
        return attributes
    }
}
