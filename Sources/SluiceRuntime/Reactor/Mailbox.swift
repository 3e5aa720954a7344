import Synchronization

/// What other threads hand to a reactor: jobs that are ready, tasks to start, and work to run.
///
/// A class, because the compiler of Swift 6.3 fails with a broken module when a class stores this as a non-copyable
/// struct.
final class Mailbox: Sendable {
    enum Letter: Sendable {
        case job(UnownedJob)
        case start(TaskRecord)
        case work(@Sendable () -> Void)
    }

    private struct Contents {
        var letters: [Letter] = []
        /// An empty array whose storage the next batch reuses.
        var spare: [Letter] = []
    }

    private let contents = Lock(Contents())
    /// Tells the loop whether there are letters, without the lock.
    private let hasLetters = Atomic<Bool>(false)

    /// Adds a letter.
    ///
    /// - Returns: whether the box was empty, so that the loop must be woken.
    func put(_ letter: Letter) -> Bool {
        contents.withLock { contents in
            contents.letters.append(letter)
            return !hasLetters.exchange(true, ordering: .acquiringAndReleasing)
        }
    }

    var isEmpty: Bool { !hasLetters.load(ordering: .acquiring) }

    /// Passes every letter to `deliver`, in the order in which they were put in. On the loop's thread only.
    func empty(_ deliver: (Letter) -> Void) {
        guard !isEmpty else { return }
        var letters = contents.withLock { contents in
            hasLetters.store(false, ordering: .releasing)
            let letters = contents.letters
            contents.letters = contents.spare
            contents.spare = []
            return letters
        }
        for letter in letters { deliver(letter) }
        letters.removeAll(keepingCapacity: letters.capacity <= 1024)
        contents.withLock { $0.spare = letters }
    }
}
