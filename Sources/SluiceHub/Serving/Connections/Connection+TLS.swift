import SluiceRuntime

/// The input that TLS holds, of which the kernel does not know.
extension Connection {
    /// Counts the work of TLS in the last read, and queues the connection if it holds more input.
    func noteRecords() {
        share.spend(socket.records * Budget.stepsOfRecord + socket.keyUpdates * Budget.stepsOfKeyUpdate)
        queueBufferedInput()
    }

    /// Queues the connection for a read of the input that TLS holds, which the kernel does not report.
    func queueBufferedInput() {
        guard socket.hasBufferedInput, conversation.readableBytes > 0 else { return }
        hasReadWaiting = true
        queueInput()
    }
}
