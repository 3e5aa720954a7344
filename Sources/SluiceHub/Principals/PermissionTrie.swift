import SluiceWire

/// Permissions in the form in which the hub checks them: a trie of the prefixes. A check walks along a name once.
final class PermissionTrie: Sendable {
    private struct Node {
        /// The bits of the classes that a rule for this very prefix permits, and denies.
        var allowed: UInt16 = 0
        var denied: UInt16 = 0
        /// The bits of the classes that a rule for a longer prefix permits.
        var allowedBelow: UInt16 = 0
        /// The nodes of the prefixes that are one byte longer, with that byte.
        var next: [(byte: UInt8, node: Int32)] = []

        func next(_ byte: UInt8) -> Int? { next.first { $0.byte == byte }.map { Int($0.node) } }
    }

    private let nodes: [Node]
    let inspection: Permissions.Inspection
    let mayKill: Bool

    /// Permits nothing.
    static let nothing = PermissionTrie(Permissions())

    init(_ permissions: Permissions) {
        var nodes = [Node()]
        for rule in permissions.allowed {
            var node = 0
            for byte in rule.prefix.utf8 {
                nodes[node].allowedBelow |= rule.commands.bit
                node = Self.node(after: node, byte, in: &nodes)
            }
            nodes[node].allowed |= rule.commands.bit
        }
        for rule in permissions.denied {
            let node = rule.prefix.utf8.reduce(0) { Self.node(after: $0, $1, in: &nodes) }
            nodes[node].denied |= rule.commands.bit
        }
        self.nodes = nodes
        inspection = permissions.inspection
        mayKill = permissions.mayKill
    }

    private static func node(after node: Int, _ byte: UInt8, in nodes: inout [Node]) -> Int {
        if let known = nodes[node].next(byte) { return known }
        nodes.append(Node())
        nodes[node].next.append((byte, Int32(nodes.count - 1)))
        return nodes.count - 1
    }

    /// Returns whether commands of a class are permitted on a name.
    func allows(_ commands: Permissions.CommandClass, on name: ChannelName) -> Bool {
        walk(commands, along: name).isAllowed
    }

    /// Returns whether commands of a class may be permitted on some name that begins with a prefix.
    func mayAllow(_ commands: Permissions.CommandClass, onNamesFrom prefix: ChannelName?) -> Bool {
        let (isAllowed, node) = walk(commands, along: prefix)
        return isAllowed || node.map { nodes[$0].allowedBelow & commands.bit != 0 } == true
    }

    /// Returns whether commands of a class are denied on a name by a rule of their own.
    func denies(_ commands: Permissions.CommandClass, on name: ChannelName) -> Bool {
        var node = 0
        if nodes[node].denied & commands.bit != 0 { return true }
        for byte in name.description.utf8 {
            guard let next = nodes[node].next(byte) else { return false }
            node = next
            if nodes[node].denied & commands.bit != 0 { return true }
        }
        return false
    }

    /// Returns whether commands of a class are permitted on all names that begin with a name, and the node of the name.
    /// The node is nil if there is none, or if the commands are denied.
    private func walk(
        _ commands: Permissions.CommandClass, along name: ChannelName?
    ) -> (isAllowed: Bool, node: Int?) {
        let bit = commands.bit
        var node = 0
        if nodes[node].denied & bit != 0 { return (false, nil) }
        var isAllowed = nodes[node].allowed & bit != 0
        guard let name else { return (isAllowed, node) }
        for byte in name.description.utf8 {
            guard let next = nodes[node].next(byte) else { return (isAllowed, nil) }
            node = next
            if nodes[node].denied & bit != 0 { return (false, nil) }
            if nodes[node].allowed & bit != 0 { isAllowed = true }
        }
        return (isAllowed, node)
    }
}

extension Permissions.CommandClass {
    fileprivate var bit: UInt16 {
        switch self {
        case .send: 1
        case .receive: 1 << 1
        case .open: 1 << 2
        case .close: 1 << 3
        case .poison: 1 << 4
        case .join: 1 << 5
        case .barrier: 1 << 6
        case .inspect: 1 << 7
        case .trace: 1 << 8
        }
    }
}
