extension String {
    /// A text that came from anybody, as a part of one line: without controls and line separators, and cut to
    /// ``Limits/maxReasonBytes``. Nil if nothing is left to see.
    package init?(readableReason text: String?) {
        guard let text else { return nil }
        var bytes: [UInt8] = []
        bytes.append(sanitizing: text)
        guard let first = bytes.firstIndex(where: { $0 != .space }),
            let last = bytes.lastIndex(where: { $0 != .space })
        else { return nil }
        self.init(decoding: bytes[first...last], as: UTF8.self)
    }
}
