/// A stage in the life of a hub.
enum HubStage: Sendable {
    case serving
    /// The hub accepts no new work, and waits for receivers to end their leases.
    case draining
    /// The hub no longer waits for anything.
    case over
}
