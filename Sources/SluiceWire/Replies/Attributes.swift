/// The attributes of replies that the hub uses, as values, which become text only in the encoder.
///
/// It holds no references, so passing it on costs nothing. Copying ``Attributes`` for each reply instead took a
/// twentieth of a handoff.
package struct CommonAttributes: Sendable, Hashable {
    /// The id of the attempt to deliver the message, for `ACK`, `NACK` and `TOUCH`. Nil without a lease.
    package var delivery: DeliveryID?
    /// How often the message has been handed out under a lease, this time included. 0 without a lease.
    package var attempt: Int32 = 0
    /// A number that is greater for each later lease of the same channel. 0 without a lease.
    package var fence: Int64 = 0
    /// Whether the sender of the message waits for an answer.
    package var isCall = false
    /// The number of receivers that took a broadcast. -1 without this attribute.
    fileprivate var receiverCount: Int32 = -1
    /// The number of the arm that a select committed. -1 without this attribute.
    @usableFromInline var armNumber: Int32 = -1
    /// Whether another send with the same id delivered the message.
    package var isDuplicate = false
    /// Whether the channel dropped the message because of its `overflow=`.
    package var isDropped = false
    /// Whether the channel keeps the message, and no receiver has acknowledged it yet. Sent only to clients that
    /// understand ``Feature/kept``.
    package var isKept = false

    /// Creates an empty set of attributes.
    @inlinable
    package init() {}

    /// Creates the attributes of a message under a lease.
    package init(delivery: DeliveryID, attempt: Int, fence: Int64) {
        self.delivery = delivery
        self.fence = fence
        self.attempt = Int32(clamping: attempt)
    }

    /// The number of receivers that took a broadcast. Nil without this attribute.
    package var receivers: Int? {
        get { receiverCount < 0 ? nil : Int(receiverCount) }
        set { receiverCount = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// The number of the arm that a select committed. Nil without this attribute.
    @inlinable package var arm: Int? {
        get { armNumber < 0 ? nil : Int(armNumber) }
        set { armNumber = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// Whether there are no attributes.
    var isEmpty: Bool {
        armNumber < 0 && attempt == 0 && delivery == nil && fence == 0 && receiverCount < 0 && !isCall && !isDuplicate
            && !isDropped && !isKept
    }

    /// Stores an attribute in its property. Returns false if it has none, if the value is invalid for the property, or
    /// if the property is already set.
    fileprivate mutating func store(_ attribute: Attribute) -> Bool {
        switch attribute.key {
        case .delivery where delivery == nil:
            delivery = DeliveryID(attribute.value)
            return delivery != nil
        case .attempt where attempt == 0: return Self.store(attribute, in: &attempt, atLeast: 1)
        case .fence where fence == 0: return Self.store(attribute, in: &fence, atLeast: 1)
        case .call where !isCall && attribute.value == "yes": isCall = true
        case .receivers where receiverCount < 0: return Self.store(attribute, in: &receiverCount, atLeast: 0)
        case .arm where armNumber < 0: return Self.store(attribute, in: &armNumber, atLeast: 0)
        case .duplicate where !isDuplicate && attribute.value == "yes": isDuplicate = true
        case .dropped where !isDropped && attribute.value == "yes": isDropped = true
        case .kept where !isKept && attribute.value == "yes": isKept = true
        default: return false
        }
        return true
    }

    /// Stores a number. Returns false if the value is not the canonical spelling of the number, because encoding it
    /// again must produce the same text.
    private static func store<Number: FixedWidthInteger>(
        _ attribute: Attribute, in place: inout Number, atLeast minimum: Number
    ) -> Bool {
        guard let number = Number(attribute.value), number >= minimum, String(number) == attribute.value else {
            return false
        }
        place = number
        return true
    }
}

/// All attributes of a reply: those that the hub uses, which can be used as if they were properties of this type, and
/// the keys of `HELLO` and the unknown keys of later versions. On the wire, the attributes are in the order of the
/// properties.
@dynamicMemberLookup
package struct Attributes: Sendable, Hashable {
    /// The attributes with a property of their own.
    package private(set) var common: CommonAttributes
    /// The other attributes, the first one added first. Nil if there are none.
    private var rare: [Attribute]?

    /// Creates a set without other attributes.
    package init(_ common: CommonAttributes = CommonAttributes()) {
        self.common = common
    }

    package subscript<Value>(dynamicMember path: WritableKeyPath<CommonAttributes, Value>) -> Value {
        get { common[keyPath: path] }
        set { common[keyPath: path] = newValue }
    }

    /// The attributes without a property of their own.
    package var others: [Attribute] { rare ?? [] }

    /// The key after which the next page of a report begins. Nil on the last page.
    package var more: ChannelName? { others.first { $0.key == .more }.flatMap { ChannelName($0.value) } }

    /// The trace context of a message. Nil if its sender has given it none.
    package var trace: TraceContext? { others.first { $0.key == .trace }.flatMap { TraceContext($0.value) } }

    /// Whether a `NACK` has ended the last attempt that the channel's failure policy permits.
    package var isRejected: Bool { others.contains { $0 == Attribute(.rejected, flag: true) } }

    /// Adds an attribute as it is written on the wire. A value that is invalid for its key is kept as text.
    package mutating func append(_ attribute: Attribute) {
        if !common.store(attribute) { rare = others + [attribute] }
    }
}

extension Attributes: ExpressibleByArrayLiteral {
    package init(arrayLiteral attributes: Attribute...) {
        self.init(attributes)
    }

    /// Creates attributes as they are written on the wire.
    package init(_ attributes: some Sequence<Attribute>) {
        self.init()
        for attribute in attributes { append(attribute) }
    }
}

extension Attributes: Sequence {
    /// Iterates over the attributes in the order in which they are encoded.
    package func makeIterator() -> IndexingIterator<[Attribute]> {
        var all: [Attribute] = []
        if let delivery = common.delivery { all.append(Attribute(.delivery, delivery)) }
        if common.attempt > 0 { all.append(Attribute(.attempt, Int(common.attempt))) }
        if common.fence > 0 { all.append(Attribute(.fence, Int(common.fence))) }
        if common.isCall { all.append(Attribute(.call, flag: true)) }
        if let receivers = common.receivers { all.append(Attribute(.receivers, receivers)) }
        if common.isDuplicate { all.append(Attribute(.duplicate, flag: true)) }
        if common.isDropped { all.append(Attribute(.dropped, flag: true)) }
        if common.isKept { all.append(Attribute(.kept, flag: true)) }
        if let arm = common.arm { all.append(Attribute(.arm, arm)) }
        return (all + others).makeIterator()
    }
}
