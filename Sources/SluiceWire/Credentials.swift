/// Who a client says it is, and the token that proves it (`AUTH principal token`).
package struct Credentials: Sendable, Hashable {
    /// Follows the rules for names.
    package var principal: ChannelName
    /// Any bytes without a space or a line end.
    package var token: Body

    package init(_ principal: ChannelName, token: Body) {
        self.principal = principal
        self.token = token
    }
}
