import SluiceHub
import SluiceWire
import Yams

/// One principal of `principals`: its keys, each with its line.
///
///     worker:
///       tokens: ["sha256:…"]
///       allow: {recv: ["jobs/"], send: ["results/"], inspect: own}
struct PrincipalEntry {
    private enum Key: String, CaseIterable {
        case tokens, certificate, allow, deny, limits
        case reservedConnections = "reserved-connections"
    }

    private enum Limit: String, CaseIterable {
        case connections, memory
        case declaredChannels = "declared-channels"
        case rememberedSends = "remembered-sends"
    }

    /// The classes of commands, `*` for all that use a channel, and `kill`.
    private static let classes = Permissions.CommandClass.allCases.map(\.rawValue) + ["kill", "*"]

    private let source: PrincipalSource
    private let name: String
    private let line: Int
    private(set) var principal = Principal()

    /// - Parameter source: the file, for error messages.
    init(_ name: String, _ value: Node, line: Int, in source: PrincipalSource) throws(SettingsError) {
        self.source = source
        self.name = name
        self.line = line
        guard case .mapping(let mapping) = value, value.null == nil else {
            throw error("write its keys after it in braces, or below it with deeper indentation")
        }
        for (node, value) in mapping {
            let key: Key = try word(node)
            let line = node.mark?.line ?? line
            switch key {
            case .tokens: try addTokens(value, line)
            case .certificate: principal.certificate = try text(value, of: key.rawValue, line)
            case .allow: try addRules(value, line, isDenial: false)
            case .deny: try addRules(value, line, isDenial: true)
            case .limits: try addLimits(value, line)
            case .reservedConnections:
                principal.limits.reservedConnections = try number(value, of: key.rawValue, upTo: 1_048_576, line)
            }
        }
    }

    /// Checks the rules for a principal that clients authenticate as, or for clients without one.
    func check(isAnonymous: Bool) throws(SettingsError) {
        if isAnonymous {
            guard principal.digests.isEmpty, principal.certificate == nil, principal.limits == PrincipalLimits() else {
                throw error("it takes only the keys allow and deny, because its clients prove nothing")
            }
        } else if principal.digests.isEmpty, principal.certificate == nil {
            throw error("it needs tokens: [\"sha256:…\"], which `sluice token new` makes, or a certificate")
        }
    }

    // MARK: Values

    private mutating func addTokens(_ value: Node, _ line: Int) throws(SettingsError) {
        for item in try items(value, of: "tokens", line) {
            guard principal.add(tokenDigest: item.text) else {
                throw error(
                    "tokens: write sha256: and 64 hexadecimal digits; `sluice token new` makes a token and prints that",
                    item.line)
            }
        }
    }

    private mutating func addRules(_ value: Node, _ line: Int, isDenial: Bool) throws(SettingsError) {
        let key = isDenial ? "deny" : "allow"
        guard case .mapping(let mapping) = value, value.null == nil else {
            throw error("\(key): write it as {CLASS: [PREFIX, …], …}, as in {recv: [\"jobs/\"]}", line)
        }
        for (node, value) in mapping {
            let word = node.string ?? ""
            let line = node.mark?.line ?? line
            guard Self.classes.contains(word) else {
                let known = KnownWords(subject: "the classes", words: Self.classes)
                throw error("\(key): unknown class \(word.debugDescription); \(known.suggestion(for: word))", line)
            }
            try addRule(word, value, "\(key): \(word)", line, isDenial: isDenial)
        }
    }

    private mutating func addRule(
        _ word: String, _ value: Node, _ place: String, _ line: Int, isDenial: Bool
    ) throws(SettingsError) {
        if word == "kill" {
            switch value.scalar?.string {
            case "all": principal.permissions.mayKill = !isDenial
            case "none" where !isDenial: principal.permissions.mayKill = false
            default: throw error("\(place): it takes all\(isDenial ? "" : " or none"), and no prefixes", line)
            }
            return
        }
        let commands = Permissions.CommandClass(rawValue: word)
        if commands == .inspect, let scalar = value.scalar?.string, value.null == nil, !isDenial {
            switch scalar {
            case "none": return principal.permissions.inspection = .nothing
            case "own": return principal.permissions.inspection = .own
            case "all": return principal.permissions.inspection = .everything
            default: throw error("\(place): it takes none, own, all, or a list of prefixes", line)
            }
        }
        for item in try items(value, of: place, line) {
            guard Permissions.isPrefix(item.text) else {
                throw error(
                    "\(place): \(item.text.debugDescription) cannot begin a name; use A-Z a-z 0-9 . _ : / -, or \"\" for all",
                    item.line)
            }
            for commands in commands.map({ [$0] }) ?? Permissions.CommandClass.ofUse {
                if isDenial {
                    principal.permissions.deny(commands, on: item.text)
                } else {
                    principal.permissions.allow(commands, on: item.text)
                }
            }
        }
    }

    private mutating func addLimits(_ value: Node, _ line: Int) throws(SettingsError) {
        guard case .mapping(let mapping) = value, value.null == nil else {
            throw error("limits: write its keys after it in braces, or below it with deeper indentation", line)
        }
        for (node, value) in mapping {
            let limit: Limit = try word(node)
            let (name, line) = ("limits: \(limit.rawValue)", node.mark?.line ?? line)
            switch limit {
            case .connections: principal.limits.connections = try number(value, of: name, upTo: 1_048_576, line)
            case .memory: principal.limits.memory = try number(value, of: name, upTo: 1 << 40, line, isSize: true)
            case .declaredChannels:
                principal.limits.declaredChannels = try number(value, of: name, upTo: 16_777_216, line)
            case .rememberedSends:
                principal.limits.rememberedSends = try number(value, of: name, upTo: 16_777_216, line)
            }
        }
    }

    // MARK: Texts

    private func word<Word: RawRepresentable<String> & CaseIterable>(_ node: Node) throws(SettingsError) -> Word {
        let text = node.string ?? ""
        if let word = Word(rawValue: text) { return word }
        let known = KnownWords(subject: "the keys", words: Word.allCases.map(\.rawValue))
        throw error("unknown key \(text.debugDescription); \(known.suggestion(for: text))", node.mark?.line)
    }

    private func text(_ value: Node, of key: String, _ line: Int) throws(SettingsError) -> String {
        guard value.null == nil, let text = value.scalar?.string, !text.isEmpty else {
            throw error("\(key): it needs a value", line)
        }
        return text
    }

    /// The texts of a list, or of a single value.
    private func items(_ value: Node, of place: String, _ line: Int) throws(SettingsError) -> [(
        text: String, line: Int
    )] {
        let nodes = value.sequence.map { Array($0) } ?? [value]
        var items: [(text: String, line: Int)] = []
        for node in nodes {
            guard node.null == nil, let text = node.scalar?.string else {
                throw error(
                    "\(place): it takes a value or a list of values, as in [\"jobs/\"]", node.mark?.line ?? line)
            }
            items.append((text, node.mark?.line ?? line))
        }
        guard !items.isEmpty else { throw error("\(place): the list is empty", line) }
        return items
    }

    /// - Parameter isSize: whether the number may have a unit, KiB, MiB or GiB.
    private func number(
        _ value: Node, of key: String, upTo limit: Int, _ line: Int, isSize: Bool = false
    ) throws(SettingsError) -> Int {
        var text = try text(value, of: key, line)
        var unit = 1
        if isSize,
            let known = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)].first(where: { text.hasSuffix($0.0) })
        {
            unit = known.1
            text = String(text.dropLast(3))
        }
        guard let number = Int(text), case let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit),
            !isTooLarge, (0...limit).contains(product)
        else {
            let units = isSize ? ", or one with KiB, MiB or GiB" : ""
            throw error("\(key): \(text.debugDescription) is not a whole number from 0 to \(limit)\(units)", line)
        }
        return product
    }

    private func error(_ problem: String, _ line: Int? = nil) -> SettingsError {
        source.error("\(name): \(problem)", line ?? self.line)
    }
}

/// The file that has `principals`, for error messages.
struct PrincipalSource {
    let path: String

    func error(_ problem: String, _ line: Int?) -> SettingsError {
        let place = line.map { "\(path):\($0)" } ?? path
        return SettingsError("\(place): principals: \(problem)", status: .configuration)
    }

    /// Reads the principals under the key `principals`.
    func principals(_ value: Node, line: Int?) throws(SettingsError) -> Principals {
        guard case .mapping(let mapping) = value, value.null == nil, !mapping.isEmpty else {
            throw error("write NAME: {tokens: […], allow: {…}} for each principal", line)
        }
        var principals = Principals()
        for (node, value) in mapping {
            let name = node.string ?? ""
            let line = node.mark?.line ?? line ?? 0
            let entry = try PrincipalEntry(name, value, line: line, in: self)
            let isAnonymous = name == Self.anonymous
            try entry.check(isAnonymous: isAnonymous)
            if isAnonymous {
                principals.anonymous = entry.principal.permissions
            } else if !principals.add(name, entry.principal) {
                let isName = ChannelName(name) != nil
                throw error(
                    isName
                        ? "\(name): another principal has the same certificate"
                        : "\(name.debugDescription) is not a name; use 1 to \(Limits.maxNameBytes) bytes of "
                            + "A-Z a-z 0-9 . _ : / -, not beginning with -", line)
            }
        }
        return principals
    }

    /// Stands for clients that have not authenticated.
    private static let anonymous = "anonymous"
}
