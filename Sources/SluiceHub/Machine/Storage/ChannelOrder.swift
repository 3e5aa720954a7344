import SluiceWire

/// The channels in the order of their names, so that a page of a report costs no more than its rows.
///
/// Most channels exist only for a handoff, and keeping an order of these would take longer than the handoff. So a
/// channel is first noted in a list of newcomers, and only a report moves it from there into the order. `ChannelTable`
/// does not even note the channels that were looked up most recently.
///
/// The order is a treap, a search tree whose nodes are also a heap by a random priority, for which it uses the hash of
/// the name. So its depth is logarithmic, whatever names a client chooses. The nodes are the channels themselves, which
/// the table owns.
final class ChannelOrder: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, as the channels do.

    private unowned(unsafe) var root: NamedChannel?
    private unowned(unsafe) var firstNewcomer: NamedChannel?
    private unowned(unsafe) var lastNewcomer: NamedChannel?
    private(set) var newcomerCount = 0

    /// The number of channels in the order.
    var count: Int { Self.count(root) }

    // MARK: Changing

    /// Notes a channel that a report will find.
    func note(_ channel: NamedChannel) {
        channel.links = ChannelLinks(place: .newcomer)
        channel.links.left = lastNewcomer
        if let lastNewcomer { lastNewcomer.links.right = channel } else { firstNewcomer = channel }
        lastNewcomer = channel
        newcomerCount += 1
    }

    /// Moves the oldest newcomers into the order.
    ///
    /// - Returns: the number of channels that were moved.
    func takeNewcomers(atMost most: Int) -> Int {
        var taken = 0
        while taken < most, let channel = firstNewcomer {
            remove(channel)
            insert(channel)
            taken += 1
        }
        return taken
    }

    /// Puts a channel, which is in neither the order nor the list of newcomers, into the order.
    func insert(_ channel: NamedChannel) {
        channel.links = ChannelLinks(place: .ordered)
        let name = channel.name.description
        unowned(unsafe) var parent: NamedChannel?
        unowned(unsafe) var next = root
        var isLeft = false
        while let node = next {
            node.links.count += 1
            isLeft = name < node.name.description
            parent = node
            next = isLeft ? node.links.left : node.links.right
        }
        channel.links.parent = parent
        if let parent {
            if isLeft { parent.links.left = channel } else { parent.links.right = channel }
        } else {
            root = channel
        }
        while let parent = channel.links.parent, channel.hash < parent.hash { rotateUp(channel) }
    }

    /// Removes a channel from the order or from the list of newcomers.
    func remove(_ channel: NamedChannel) {
        switch channel.links.place {
        case .nowhere: return
        case .newcomer: removeNewcomer(channel)
        case .ordered: removeFromOrder(channel)
        }
        channel.links = ChannelLinks()
    }

    private func removeNewcomer(_ channel: NamedChannel) {
        let (before, after) = (channel.links.left, channel.links.right)
        if let before { before.links.right = after } else { firstNewcomer = after }
        if let after { after.links.left = before } else { lastNewcomer = before }
        newcomerCount -= 1
    }

    private func removeFromOrder(_ channel: NamedChannel) {
        while let left = channel.links.left, let right = channel.links.right {
            rotateUp(left.hash < right.hash ? left : right)
        }
        let child = channel.links.left ?? channel.links.right
        child?.links.parent = channel.links.parent
        replace(channel, by: child)
        unowned(unsafe) var ancestor = channel.links.parent
        while let node = ancestor {
            node.links.count -= 1
            ancestor = node.links.parent
        }
    }

    /// Swaps a node with its parent. The order stays the same.
    private func rotateUp(_ node: NamedChannel) {
        guard let parent = node.links.parent else { return }
        replace(parent, by: node)
        node.links.parent = parent.links.parent
        parent.links.parent = node
        if parent.links.left === node {
            parent.links.left = node.links.right
            node.links.right?.links.parent = parent
            node.links.right = parent
        } else {
            parent.links.right = node.links.left
            node.links.left?.links.parent = parent
            node.links.left = parent
        }
        node.links.count = parent.links.count
        parent.links.count = Int32(1 + Self.count(parent.links.left) + Self.count(parent.links.right))
    }

    /// Lets the parent of a node, or the root, refer to another node.
    private func replace(_ node: NamedChannel, by other: NamedChannel?) {
        guard let parent = node.links.parent else {
            root = other
            return
        }
        if parent.links.left === node { parent.links.left = other } else { parent.links.right = other }
    }

    // MARK: Finding

    /// Returns the first channel whose name does not come before a place of the order.
    ///
    /// - Parameter isBefore: whether a name comes before the place.
    func first(from isBefore: (String) -> Bool) -> NamedChannel? {
        unowned(unsafe) var found: NamedChannel?
        unowned(unsafe) var next = root
        while let node = next {
            if isBefore(node.name.description) {
                next = node.links.right
            } else {
                found = node
                next = node.links.left
            }
        }
        return found
    }

    /// Returns the number of channels whose names come before a place of the order.
    func count(before isBefore: (String) -> Bool) -> Int {
        var count = 0
        unowned(unsafe) var next = root
        while let node = next {
            if isBefore(node.name.description) {
                count += 1 + Self.count(node.links.left)
                next = node.links.right
            } else {
                next = node.links.left
            }
        }
        return count
    }

    /// Returns the channel after another one of the order.
    func next(after channel: NamedChannel) -> NamedChannel? {
        unowned(unsafe) var node = channel
        if let right = channel.links.right {
            node = right
            while let left = node.links.left { node = left }
            return node
        }
        while let parent = node.links.parent {
            if parent.links.left === node { return parent }
            node = parent
        }
        return nil
    }

    private static func count(_ node: NamedChannel?) -> Int { node.map { Int($0.links.count) } ?? 0 }
}

/// The place of a channel in a `ChannelOrder`.
struct ChannelLinks {
    enum Place: UInt8 {
        case nowhere
        /// In the list of newcomers, in which `left` is the channel before and `right` the one after.
        case newcomer
        case ordered
    }

    var place = Place.nowhere
    /// The number of channels in the tree of which this one is the root.
    fileprivate var count: Int32 = 1
    fileprivate unowned(unsafe) var parent: NamedChannel?
    fileprivate unowned(unsafe) var left: NamedChannel?
    fileprivate unowned(unsafe) var right: NamedChannel?

    init(place: Place = .nowhere) {
        self.place = place
    }
}
