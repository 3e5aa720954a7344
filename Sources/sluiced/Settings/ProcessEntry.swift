import SluiceHub
import SluiceRuntime
import SluiceWire
import Yams

/// One item of the configuration's `processes`: the kind of process and its keys, with their lines.
///
///     - ticker: {to: ticks, every: 1s}
struct ProcessEntry {
    /// A key of a process.
    enum Key: String, CaseIterable {
        case name
        case from
        case to
        case every
        case by
        case prefix
        case upTo = "up-to"
    }

    private let path: String
    private let kind: BuiltInProcess.Kind
    /// The line on which the kind is written.
    let line: Int
    private var values: [Key: (node: Node, line: Int)] = [:]

    /// Checks the shape of an item; ``process()`` interprets its values.
    ///
    /// - Parameter path: the file's path, for error messages.
    init(_ item: Node, in path: String) throws(SettingsError) {
        self.path = path
        line = item.mark?.line ?? 0
        guard case .mapping(let mapping) = item, let (kindNode, value) = mapping.first.map({ ($0.key, $0.value) })
        else {
            throw SettingsError(
                processesOf: path, line,
                "write each process as KIND: {KEY: VALUE, …}, as in ticker: {to: ticks, every: 1s}")
        }
        let word = kindNode.string ?? ""
        guard let kind = BuiltInProcess.Kind(rawValue: word) else {
            let suggestion = BuiltInProcess.Kind.knownWords.suggestion(for: word)
            throw SettingsError(processesOf: path, line, "unknown process \(word.debugDescription); \(suggestion)")
        }
        self.kind = kind
        guard mapping.count == 1, value.null == nil, case .mapping(let keys) = value else {
            throw error("write its keys after it in braces, or below it with deeper indentation")
        }
        try collect(keys)
        for key in kind.requiredKeys where values[key] == nil { throw error("the key \"\(key.rawValue)\" is missing") }
    }

    private mutating func collect(_ keys: Node.Mapping) throws(SettingsError) {
        let known = kind.requiredKeys + kind.optionalKeys
        for (keyNode, value) in keys {
            let word = keyNode.string ?? ""
            let line = keyNode.mark?.line ?? line
            guard let key = Key(rawValue: word), known.contains(key) else {
                let knownWords = KnownWords(subject: "the keys", words: known.map(\.rawValue))
                throw error("unknown key \(word.debugDescription); \(knownWords.suggestion(for: word))", line: line)
            }
            values[key] = (value, line)
        }
    }

    private func error(_ problem: String, line: Int? = nil) -> SettingsError {
        SettingsError(processesOf: path, line ?? self.line, "\(kind.rawValue): \(problem)")
    }
}

// MARK: - Meaning

extension ProcessEntry {
    /// Returns the process that the item describes.
    func process() throws(SettingsError) -> BuiltInProcess {
        let (work, name) = (try work(), try values[.name] == nil ? nil : channel(.name))
        do {
            return try BuiltInProcess(work, name: name)
        } catch {
            throw self.error(error.message)
        }
    }

    private func work() throws(SettingsError) -> BuiltInProcess.Work {
        switch kind {
        case .ticker: .ticker(to: try channel(.to), every: try duration(.every))
        case .delay: .delay(from: try channel(.from), to: try channel(.to), by: try duration(.by))
        case .echo: .echo(from: try channel(.from), to: try channel(.to))
        case .merge: .merge(from: try channels(.from), to: try channel(.to))
        case .split: .split(from: try channel(.from), to: try channels(.to))
        case .broadcast: .broadcast(from: try channel(.from), to: try channels(.to))
        case .filter: .filter(from: try channel(.from), to: try channel(.to), prefix: Array(try text(.prefix).utf8))
        case .rateLimit: .rateLimit(from: try channel(.from), to: try channel(.to), every: try duration(.every))
        case .sieve:
            .sieve(
                to: try channel(.to),
                upTo: values[.upTo] == nil
                    ? BuiltInProcess.defaultSieveLimit : try number(.upTo, in: BuiltInProcess.sieveRange))
        }
    }

    /// Returns the value of a key that is present.
    private func text(_ key: Key) throws(SettingsError) -> String {
        let texts = try texts(key)
        guard texts.count == 1, case .scalar? = values[key]?.node else {
            throw mismatch(key, "it takes one value, not a list")
        }
        return texts[0]
    }

    private func texts(_ key: Key) throws(SettingsError) -> [String] {
        guard let node = values[key]?.node, node.null == nil else { throw mismatch(key, "it has no value") }
        let items = node.sequence.map { Array($0) } ?? [node]
        let texts = items.compactMap { $0.null == nil ? $0.scalar?.string : nil }
        guard texts.count == items.count else {
            throw mismatch(
                key, node.sequence == nil ? "it takes a value, not keys" : "its list must contain plain values only")
        }
        guard !texts.isEmpty else { throw mismatch(key, "the list is empty") }
        return texts
    }

    private func channel(_ key: Key) throws(SettingsError) -> String {
        try checked(try text(key), key)
    }

    private func channels(_ key: Key) throws(SettingsError) -> [String] {
        try texts(key).map { text throws(SettingsError) in try checked(text, key) }
    }

    private func checked(_ name: String, _ key: Key) throws(SettingsError) -> String {
        guard ChannelName(name) != nil else {
            throw mismatch(
                key,
                "\(name.debugDescription) is not a name; use 1 to \(Limits.maxNameBytes) bytes of A-Z a-z 0-9 . _ : / -, "
                    + "not beginning with -")
        }
        return name
    }

    private func duration(_ key: Key) throws(SettingsError) -> Duration {
        let text = try text(key)
        guard let duration = Duration(protocolText: text), duration > .zero else {
            throw mismatch(
                key,
                "\(text.debugDescription) is not a duration; write a whole number and ms, s, m or h, from 1ms to 100 years"
            )
        }
        return duration
    }

    private func number(_ key: Key, in range: ClosedRange<Int>) throws(SettingsError) -> Int {
        let text = try text(key)
        guard let number = Int(text), range.contains(number) else {
            throw mismatch(
                key,
                "\(text.debugDescription) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func mismatch(_ key: Key, _ problem: String) -> SettingsError {
        error("\(key.rawValue): \(problem)", line: values[key]?.line)
    }
}

// MARK: - Vocabulary

extension BuiltInProcess.Kind {
    fileprivate static let knownWords = KnownWords(subject: "the processes", words: allCases.map(\.rawValue))

    /// The keys that an item of this kind must have.
    var requiredKeys: [ProcessEntry.Key] {
        switch self {
        case .ticker: [.to, .every]
        case .delay: [.from, .to, .by]
        case .echo, .merge, .split, .broadcast: [.from, .to]
        case .filter: [.from, .to, .prefix]
        case .rateLimit: [.from, .to, .every]
        case .sieve: [.to]
        }
    }

    /// The keys that an item of this kind may have as well.
    var optionalKeys: [ProcessEntry.Key] {
        switch self {
        case .sieve: [.upTo, .name]
        case .ticker, .delay, .echo, .merge, .split, .broadcast, .filter, .rateLimit: [.name]
        }
    }
}

extension SettingsError {
    /// An error about the `processes` of a file.
    init(processesOf path: String, _ line: Int, _ problem: String) {
        self.init("\(path):\(line): processes: \(problem)", status: .configuration)
    }
}
