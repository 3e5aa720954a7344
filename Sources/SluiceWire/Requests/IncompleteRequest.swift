/// A request whose line is parsed and whose bodies are still arriving.
struct IncompleteRequest: Sendable {
    enum Progress {
        case complete(Request)
        case needsMore
        case unterminated
    }

    /// The request, whose bodies are filled in as they become complete.
    private var request: Request
    private let announced: [AnnouncedBodies.Element]

    /// The index of the body that is arriving.
    private var index = 0
    private var reader: BodyReader

    /// - Parameter bodies: must not be empty.
    init(_ request: consuming Request, awaiting bodies: AnnouncedBodies) {
        self.request = request
        announced = bodies.elements
        reader = BodyReader(length: announced[0].length)
    }

    var tag: Tag? { request.tag }

    /// The memory used by the bodies that are complete and the one that is growing.
    var bufferedBytes: Int {
        announced.prefix(index).reduce(reader.capacity) { $0 + $1.length }
    }

    /// The bytes of the growing body that have not arrived yet.
    var awaitedBodyBytes: Int { reader.awaitedBytes }

    /// What has not arrived of the bodies.
    var rest: SkippedBodies { SkippedBodies(reader.frame, announced[(index + 1)...].map(\.length)) }

    mutating func read(_ input: ByteView, offset: inout Int) -> Progress {
        while true {
            switch reader.read(input, offset: &offset) {
            case .complete(let body):
                request.command.fill(body, ofArm: announced[index].arm)
                index += 1
                guard index < announced.count else { return .complete(request) }
                reader = BodyReader(length: announced[index].length)
            case .needsMore: return .needsMore
            case .unterminated: return .unterminated
            }
        }
    }
}

extension Command {
    /// Stores a body that followed the line.
    fileprivate mutating func fill(_ body: Body, ofArm arm: Int) {
        switch self {
        case .ping:
            self = .ping(body)
        case .send(var command):
            command.body = .owned(body)
            self = .send(command)
        case .acknowledge(var command):
            command.answer = .owned(body)
            self = .acknowledge(command)
        case .select(var command):
            // Releases this reference to the arms, so that the arm is changed in place and the array is not copied.
            self = .quit
            command.arms[arm].fill(body)
            self = .select(command)
        case .hello, .authenticate, .name, .receive, .barrier, .nack, .reject, .redrive, .touch, .open, .close, .poison,
            .join, .leave, .inspect, .trace, .kill, .cancel, .help, .quit:
            break
        }
    }
}

extension Arm {
    fileprivate mutating func fill(_ body: Body) {
        switch self {
        case .send(let channel, _, let id, let trace): self = .send(channel, body, id: id, trace: trace)
        case .receive, .barrier: break
        }
    }
}
