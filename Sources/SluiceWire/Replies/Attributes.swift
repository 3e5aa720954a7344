/// What a reply says besides its word and its body, as values. Text only once it is encoded.
///
/// The keys that the hub uses have properties of their own; ``others`` holds what the protocol may gain, and what `HELLO`
/// announces. On the wire they stand in the order of the properties.
package struct Attributes: Sendable, Hashable {
    /// Names the attempt to deliver the message, for `ACK`; nil without a lease.
    package var delivery: DeliveryID?
    /// How often the message was handed out under a lease, this time included; 0 without a lease.
    package var attempt: Int32 = 0
    /// How many receivers took a broadcast; -1 when the reply does not say.
    private var receiverCount: Int32 = -1
    /// The number of the arm of a select that was taken; -1 when the reply does not say.
    private var armNumber: Int32 = -1
    /// Whether an earlier send with the same id did it.
    package var isDuplicate = false
    /// Whether the channel has dropped the message, as it was declared to.
    package var isDropped = false
    /// Every other attribute, in the order written; nil when there is none.
    private var rare: [Attribute]?

    /// No attributes.
    @inlinable
    package init() {}

    /// A message under a lease.
    package init(delivery: DeliveryID, attempt: Int) {
        self.delivery = delivery
        self.attempt = Int32(clamping: attempt)
    }

    /// How many receivers took a broadcast; nil when the reply does not say.
    package var receivers: Int? {
        get { receiverCount < 0 ? nil : Int(receiverCount) }
        set { receiverCount = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// The number of the arm of a select that was taken; nil when the reply does not say.
    package var arm: Int? {
        get { armNumber < 0 ? nil : Int(armNumber) }
        set { armNumber = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// Attributes without a property of their own.
    package var others: [Attribute] { rare ?? [] }

    /// Whether there is nothing to write.
    var isEmpty: Bool {
        armNumber < 0 && attempt == 0 && delivery == nil && receiverCount < 0 && !isDuplicate && !isDropped
            && rare == nil
    }

    /// Adds an attribute as it is written on the wire. A value that its key cannot have is kept as it is.
    package mutating func append(_ attribute: Attribute) {
        if !store(attribute) { rare = others + [attribute] }
    }

    /// Stores an attribute that has a property, and a value that fits it, once; false for every other one.
    private mutating func store(_ attribute: Attribute) -> Bool {
        switch attribute.key {
        case .delivery where delivery == nil:
            delivery = DeliveryID(attribute.value)
            return delivery != nil
        case .attempt where attempt == 0: return Self.store(attribute, in: &attempt, atLeast: 1)
        case .receivers where receiverCount < 0: return Self.store(attribute, in: &receiverCount, atLeast: 0)
        case .arm where armNumber < 0: return Self.store(attribute, in: &armNumber, atLeast: 0)
        case .duplicate where !isDuplicate && attribute.value == "yes": isDuplicate = true
        case .dropped where !isDropped && attribute.value == "yes": isDropped = true
        default: return false
        }
        return true
    }

    /// Takes a number in its one spelling only, so that what is written again is what was read.
    private static func store(_ attribute: Attribute, in place: inout Int32, atLeast minimum: Int32) -> Bool {
        guard let number = Int32(attribute.value), number >= minimum, String(number) == attribute.value else {
            return false
        }
        place = number
        return true
    }
}

extension Attributes: ExpressibleByArrayLiteral {
    package init(arrayLiteral attributes: Attribute...) {
        self.init(attributes)
    }

    /// Attributes as they are written on the wire.
    package init(_ attributes: some Sequence<Attribute>) {
        for attribute in attributes { append(attribute) }
    }
}

extension Attributes: Sequence {
    /// The attributes in the order in which they are written.
    package func makeIterator() -> IndexingIterator<[Attribute]> {
        var all: [Attribute] = []
        if let delivery { all.append(Attribute(.delivery, delivery)) }
        if attempt > 0 { all.append(Attribute(.attempt, Int(attempt))) }
        if let receivers { all.append(Attribute(.receivers, receivers)) }
        if isDuplicate { all.append(Attribute(.duplicate, flag: true)) }
        if isDropped { all.append(Attribute(.dropped, flag: true)) }
        if let arm { all.append(Attribute(.arm, arm)) }
        return (all + others).makeIterator()
    }
}
