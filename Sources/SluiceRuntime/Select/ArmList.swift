import Synchronization

/// The enabled arms of one select, linked through the arms, so that a select allocates nothing else.
@usableFromInline
struct ArmList {
    @usableFromInline private(set) var first: AnySelectArm?
    private var last: AnySelectArm?
    private var count = 0
    /// Whether the select has not tried its arms yet, because other tasks must run first; see `Reactor.endsTurn`.
    private var isTurnOver = false

    @usableFromInline init() {}

    @usableFromInline
    init(_ arm: AnySelectArm) {
        guard arm.isEnabled else { return }
        first = arm
        last = arm
        count = 1
    }

    @usableFromInline
    mutating func append(_ list: ArmList) {
        if let last { last.next = list.first } else { first = list.first }
        last = list.last ?? last
        count += list.count
    }

    // The list owns its arms, so that visiting an arm need not retain it, which would take two atomic operations.

    @inline(__always)
    private func forEach(_ visit: (AnySelectArm) -> Void) {
        var entry = first.map(Unmanaged.passUnretained)
        while let arm = entry {
            entry = arm._withUnsafeGuaranteedRef {
                visit($0)
                return $0.next.map(Unmanaged.passUnretained)
            }
        }
    }

    @inline(__always)
    private func find(_ isWanted: (AnySelectArm) -> Bool) -> AnySelectArm? {
        var entry = first.map(Unmanaged.passUnretained)
        while let arm = entry {
            if arm._withUnsafeGuaranteedRef(isWanted) { return arm.takeUnretainedValue() }
            entry = arm._withUnsafeGuaranteedRef { $0.next.map(Unmanaged.passUnretained) }
        }
        return nil
    }

    // MARK: Without waiting

    /// Takes the first arm in `order` that is ready, or else the `otherwise` arm if there is one.
    ///
    /// - Returns: nil when the select must wait, or must let other tasks run first.
    @usableFromInline
    mutating func takeReady(_ order: SelectOrder) -> AnySelectArm? {
        isTurnOver = Reactor.endsTurn()
        if isTurnOver { return nil }
        order.arrange(&self)
        return takeReadyInOrder(order)
    }

    private func takeReadyInOrder(_ order: SelectOrder) -> AnySelectArm? {
        if let ready = find({ $0.perform($0, .attempt) }) {
            order.noteTaken(ready)
            return ready
        }
        return find { if case .otherwise = $0.trigger { true } else { false } }
    }

    /// Sorts the arms by `rank`, which is called once for each arm, after its `place` is set. The sort is stable.
    mutating func sort<Rank: Comparable>(by rank: (AnySelectArm) -> Rank) {
        guard first?.next != nil else { return }
        withUnsafeTemporaryAllocation(of: (rank: Rank, place: Int, arm: Unmanaged<AnySelectArm>).self, capacity: count)
        {
            buffer in
            var entries = buffer
            var place = 0
            var isSorted = true
            forEach {
                $0.place = place
                entries.initializeElement(at: place, to: (rank($0), place, .passUnretained($0)))
                if place > 0, entries[place].rank < entries[place - 1].rank { isSorted = false }
                place += 1
            }
            guard !isSorted else { return }
            entries.sort { ($0.rank, $0.place) < ($1.rank, $1.place) }
            for entry in entries { _ = entry.arm.retain() }
            first = nil
            for entry in entries.reversed() {
                let arm = entry.arm.takeRetainedValue()
                arm.next = first
                first = arm
            }
            last = entries.last?.arm.takeUnretainedValue()
        }
    }

    /// The arms in a report.
    var description: String {
        var descriptions: [String] = []
        forEach { if let description = $0.description { descriptions.append(description) } }
        return descriptions.joined(separator: ", ")
    }

    // MARK: Waiting

    /// Queues every arm, waits until one has been taken, and returns it. For a select whose `takeReady` returned nil.
    ///
    /// Does not say what it throws: `select` is inlined, and must not convert the error. See `Channel`.
    ///
    /// - Throws: `SluiceError.cancelled`, when no arm was taken.
    @usableFromInline
    nonisolated(nonsending) mutating func wait(_ order: SelectOrder) async throws -> AnySelectArm {
        if isTurnOver {
            try await Reactor.giveWay()
            order.arrange(&self)
            if let ready = takeReadyInOrder(order) { return ready }
        }
        return try await waitArranged(order)
    }

    private nonisolated(nonsending) func waitArranged(_ order: SelectOrder) async throws -> AnySelectArm {
        let wait = SelectWait(among: self)
        let verdict: SelectVerdict = await suspendTask(on: wait, .select, timeout: timeout) { continuation in
            wait.suspend(continuation)
            guard let ready = takeOrPark(wait) else { return .ofNoQueue }
            ready.afterUnlocking.take()?()
            continuation.resume(returning: .arm(ready))
            return nil
        }
        forEach { if $0.wait != nil { _ = $0.perform($0, .unpark) } }
        withExtendedLifetime(wait) {}
        switch verdict {
        case .arm(let taken):
            order.noteTaken(taken)
            return taken
        case .withdrawn(.timedOut):
            guard let taken = timeoutArm else { throw WithdrawalReason.timedOut.error }
            return taken
        case .withdrawn(.cancelled): throw WithdrawalReason.cancelled.error
        }
    }

    /// Locks all channels. Then takes the first arm that is ready, or parks every arm if none is.
    private func takeOrPark(_ wait: SelectWait) -> AnySelectArm? {
        var taken: AnySelectArm?
        withAllLocked {
            taken = find { $0.perform($0, .attemptLocked) }
            guard taken == nil else { return }
            forEach {
                guard $0.source != nil else { return }
                $0.wait = .passUnretained(wait)
                _ = $0.perform($0, .parkLocked)
            }
        }
        return taken
    }

    /// Runs `body` with every channel locked, each once, in the order of their addresses, which is the same for all
    /// selects.
    private func withAllLocked(_ body: () -> Void) {
        withUnsafeTemporaryAllocation(of: Unmanaged<SelectSource>.self, capacity: count) { buffer in
            var sources = 0
            forEach {
                guard let source = $0.source else { return }
                buffer.initializeElement(at: sources, to: source)
                sources += 1
            }
            var inOrder = UnsafeMutableBufferPointer(rebasing: buffer[..<sources])
            inOrder.sort { $0.toOpaque() < $1.toOpaque() }
            Self.lock(inOrder[...], then: body)
        }
    }

    private static func lock(
        _ sources: Slice<UnsafeMutableBufferPointer<Unmanaged<SelectSource>>>, then body: () -> Void
    ) {
        guard let first = sources.first else { return body() }
        let others = sources.drop { $0.toOpaque() == first.toOpaque() }
        first._withUnsafeGuaranteedRef { source in
            source.lock.withLock { _ in lock(others, then: body) }
        }
    }

    private var timeoutArm: AnySelectArm? {
        var earliest: (arm: AnySelectArm, timeout: Duration)?
        forEach {
            guard case .timeout(let timeout) = $0.trigger, timeout < earliest?.timeout ?? .seconds(Int64.max) else {
                return
            }
            earliest = ($0, timeout)
        }
        return earliest?.arm
    }

    private var timeout: Duration? {
        if case .timeout(let timeout) = timeoutArm?.trigger { timeout } else { nil }
    }
}
