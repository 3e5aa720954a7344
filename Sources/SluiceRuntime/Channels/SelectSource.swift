public import Synchronization

/// A channel as a select sees it, whatever its messages are.
public class SelectSource: WaitSource {
    /// Guards the channel's engine.
    @usableFromInline final let lock = Lock(())

    // When a fair select last took a receive, and a send; 0 for never. See `SelectOrder.fair`.
    private final let lastReceiveTaken = Atomic<UInt64>(0)
    private final let lastSendTaken = Atomic<UInt64>(0)

    @usableFromInline
    override init() {}

    final func lastTaken(_ side: WaitSide) -> UInt64 {
        side == .send ? lastSendTaken.load(ordering: .relaxed) : lastReceiveTaken.load(ordering: .relaxed)
    }

    final func noteTaken(_ side: WaitSide, _ count: UInt64) {
        if side == .send {
            lastSendTaken.store(count, ordering: .relaxed)
        } else {
            lastReceiveTaken.store(count, ordering: .relaxed)
        }
    }
}
