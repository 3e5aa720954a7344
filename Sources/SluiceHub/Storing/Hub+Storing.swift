import SluiceRuntime

/// What a hub keeps from one run of the server to the next.
extension Hub {
    /// Returns what the hub keeps. Call it once the hub has drained.
    package func stored() -> StoredHub { look { $0.machine.stored() } }

    /// Takes up what an earlier run kept. Call it before any client uses the hub.
    ///
    /// - Parameter pause: the time since the value was stored. Delays have gone on meanwhile.
    /// - Throws: an error if the value contradicts itself. The hub must not be used then.
    package func restore(_ stored: StoredHub, after pause: Duration) throws(StoredHubError) {
        var result = Result<Void, StoredHubError>.success(())
        transactFromAnywhere { state in
            do throws(StoredHubError) {
                try state.machine.restore(stored, after: pause.wholeNanoseconds)
            } catch {
                result = .failure(error)
            }
        }
        try result.get()
    }
}
