extension WebConnection {
    /// What a connection is doing.
    enum Phase {
        /// No request, or the head of one is arriving.
        case head
        /// The body of a request is arriving.
        case body(RequestHead, Route)
        /// The exchange waits for the hub.
        case waiting
        /// The exchange waits for the hub's client of a lease.
        case acting
        /// The exchange waits until the client's kernel has confirmed the response.
        case delivering
        /// The exchange has sent its last command.
        case concluding
        /// The exchange sends a response without an end.
        case streaming
        /// The last response is written. Input is discarded until the client closes its side.
        case lingering
        case closed
    }

    /// What a connection is doing while it streams.
    enum StreamStage: Equatable {
        /// The exchange waits for the hub.
        case waiting
        /// A piece is being written, after which the exchange proceeds, or pauses.
        case writing(thenPausing: Duration?)
        case pausing
    }
}
