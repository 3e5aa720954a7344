// Sequences as the messages of channels, after core.async's `onto-chan!` and `to-chan!`.

extension Channel {
    /// Sends the elements of a sequence, in order.
    ///
    /// - Parameters:
    ///   - elements: what to send.
    ///   - isLast: whether to close the channel afterwards.
    /// - Throws: what `send` throws. The elements before have been sent.
    public func send(
        contentsOf elements: some Sequence<Element>, closing isLast: Bool = false
    ) async throws(SluiceError) {
        for element in elements { try await send(element) }
        if isLast { close() }
    }

    /// Creates a channel with the elements of a sequence, which ends after them.
    ///
    /// - Parameters:
    ///   - elements: the messages.
    ///   - name: the channel's name in reports.
    public convenience init(of elements: some Sequence<Element>, name: String = "") {
        self.init(.unbounded, name: name)
        for element in elements { _ = attemptSend(element, inTurn: false) }
        close()
    }
}
