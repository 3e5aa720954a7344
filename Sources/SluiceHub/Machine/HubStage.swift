/// How far a hub is with its life.
enum HubStage: Sendable {
    case serving
    /// It takes no new work, and waits for what receivers say of the messages that they hold.
    case draining
    /// It waits for nothing any more.
    case over
}
