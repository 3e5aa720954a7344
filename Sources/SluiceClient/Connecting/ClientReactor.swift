import SluiceRuntime

/// The loop on which the connections of all clients of the process live, on a thread of its own from the first one on.
enum ClientReactor {
    private static let started = Result<Reactor, SluiceError> { () throws(SluiceError) in
        let reactor = try Reactor(name: "sluice-client")
        try reactor.start()
        return reactor
    }

    static var shared: Reactor {
        get throws(SluiceError) { try started.get() }
    }
}
