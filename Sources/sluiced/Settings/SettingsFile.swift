import Foundation
import SluiceHub
import Yams

/// The configuration file: the keys that it sets, each with its text and its line.
///
/// This type checks that the file is YAML, has the shape of ``SettingsKey`` and has no unknown keys. ``Settings``
/// interprets the values.
struct SettingsFile {
    /// The path as the user wrote it, for error messages.
    let path: String

    private(set) var entries: [SettingsEntry] = []

    /// The key of the processes, which only a file can set.
    static let processesKey = "processes"

    private(set) var processes: [BuiltInProcess] = []

    /// The key of the principals, which a file of their own can have as well.
    static let principalsKey = "principals"

    private(set) var principals: Principals?
    /// The line of that key.
    private(set) var principalsLine = 0

    /// Reads the file at `path`.
    ///
    /// A file with principals must be as private as one that has only these.
    init(path: String) throws(SettingsError) {
        var status = stat()
        let text = try TextFile.contents(of: path) { status = $0 }
        try self.init(path: path, text: text)
        if principals != nil { try PrivateFile.check(status, of: path) }
    }

    /// Parses text that was read from `path`.
    init(path: String, text: String) throws(SettingsError) {
        self.path = path
        guard let root = try Self.parse(text, of: path), root.null == nil else { return }
        guard case .mapping(let mapping) = root else {
            throw error("the file must contain keys with values, as in log-level: info", line: root.line)
        }
        try collect(mapping, within: "")
    }
}

// MARK: - Shape

extension SettingsFile {
    /// Parses the text of a YAML file.
    static func parse(_ text: String, of path: String) throws(SettingsError) -> Node? {
        func error(_ problem: String, line: Int?) -> SettingsError { Self.error(problem, line: line, in: path) }
        if let (problem, line) = DocumentSize.problem(of: text) { throw error(problem, line: line) }
        do {
            return try Parser(yaml: text).singleRoot()
        } catch let failure as YamlError {
            throw error(
                failure.problem, line: failure.line.map { writtenLine($0, of: text, failure.mayLackColon) })
        } catch let failure {
            throw error("\(failure)", line: nil)
        }
    }

    /// Returns the line that has a mistake. The parser may notice the mistake only on a later line.
    ///
    /// - Parameter mayLackColon: whether the line before may be a key that lacks its colon.
    private static func writtenLine(_ noticed: Int, of text: String, _ mayLackColon: Bool) -> Int {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(noticed)
        let isWritten = { (line: Substring) in
            let content = line.drop(while: \.isWhitespace)
            return !content.isEmpty && !content.hasPrefix("#")
        }
        let last = lines.lastIndex(where: isWritten) ?? noticed - 1
        if mayLackColon, let before = lines.prefix(last).lastIndex(where: isWritten), !lines[before].contains(":") {
            return before + 1
        }
        return last + 1
    }

    private mutating func collect(_ mapping: Node.Mapping, within prefix: String) throws(SettingsError) {
        for (keyNode, value) in mapping {
            guard let word = keyNode.string else { throw error("a key must be a word", line: keyNode.line) }
            let name = prefix + word
            if let key = SettingsKey(rawValue: name) {
                try record(value, as: key, line: keyNode.line ?? 0)
            } else if name == Self.processesKey {
                try collect(processes: value)
            } else if name == Self.principalsKey {
                principalsLine = keyNode.line ?? 0
                // A mapping whose keys are all commented out parses as null.
                if value.null == nil {
                    principals = try PrincipalSource(path: path).principals(value, line: keyNode.line)
                }
            } else if SettingsKey.groups.contains(name) {
                try collect(group: value, named: name)
            } else {
                throw error(
                    "unknown key \(name.debugDescription); \(SettingsKey.suggestion(for: name))", line: keyNode.line)
            }
        }
    }

    private mutating func collect(group value: Node, named name: String) throws(SettingsError) {
        // A group whose keys are all commented out parses as null.
        guard value.null == nil else { return }
        guard case .mapping(let mapping) = value else {
            throw error("\(name): it takes keys, not a value", line: value.line)
        }
        try collect(mapping, within: "\(name).")
    }

    private mutating func collect(processes value: Node) throws(SettingsError) {
        // A list whose items are all commented out parses as null.
        guard value.null == nil else { return }
        guard case .sequence(let items) = value else {
            throw SettingsError(processesOf: path, value.line ?? 0, "it takes a list with one process per item")
        }
        var lines: [String: Int] = [:]
        for item in items {
            let entry = try ProcessEntry(item, in: path)
            let process = try entry.process()
            if let other = lines.updateValue(entry.line, forKey: process.name) {
                throw SettingsError(
                    processesOf: path, entry.line,
                    "the process on line \(other) has the name \(process.name.debugDescription) too; rename one of them"
                )
            }
            processes.append(process)
        }
    }

    private mutating func record(_ value: Node, as key: SettingsKey, line: Int) throws(SettingsError) {
        func entry(_ texts: [String]) -> SettingsEntry {
            SettingsEntry(key: key, origin: .file(path: path, line: line), texts: texts)
        }
        guard !entries.contains(where: { $0.key == key }) else { throw entry([]).error("it is set twice") }
        switch value {
        case .scalar(let scalar):
            guard value.null == nil else { throw entry([]).error("it has no value") }
            entries.append(entry([scalar.string]))
        case .sequence(let items) where key == .listen && !items.isEmpty:
            var listeners = entry([])
            for item in items {
                guard let listener = try ListenerEntry(item, of: key, in: path) else {
                    throw listeners.error("each item must be an address, or keys in braces such as {address: …}")
                }
                listeners.items.append(listener)
            }
            entries.append(
                SettingsEntry(
                    key: key, origin: listeners.origin, texts: listeners.items.map(\.address), items: listeners.items))
        case .sequence(let items):
            guard key.takesList else { throw entry([]).error("it takes one value, not a list") }
            guard !items.isEmpty else { throw entry([]).error("the list is empty") }
            let texts = items.compactMap { $0.scalar?.string }
            guard texts.count == items.count else { throw entry([]).error("its list must contain plain values only") }
            entries.append(entry(texts))
        case .mapping where key == .web:
            guard let listener = try ListenerEntry(value, of: key, in: path) else {
                throw entry([]).error("it has no value")
            }
            var web = SettingsEntry(key: key, origin: .file(path: path, line: line), texts: [listener.address])
            web.items = [listener]
            entries.append(web)
        case .mapping, .alias:
            throw entry([]).error("it takes a value, not keys")
        }
    }

    private func error(_ problem: String, line: Int?) -> SettingsError {
        Self.error(problem, line: line, in: path)
    }

    private static func error(_ problem: String, line: Int?, in path: String) -> SettingsError {
        let place = line.map { "\(path):\($0)" } ?? path
        return SettingsError("\(place): \(problem)", status: .configuration)
    }
}

extension Node {
    fileprivate var line: Int? { mark?.line }
}

extension YamlError {
    /// The problem on one line, without the excerpt that `description` adds.
    fileprivate var problem: String {
        switch self {
        case .scanner(let context, let problem, _, _),
            .parser(let context, let problem, _, _),
            .composer(let context, let problem, _, _):
            [context?.text, problem].compactMap(\.self).joined(separator: ", ")
        case .reader(let problem, _, _, _), .writer(let problem), .emitter(let problem), .representer(let problem):
            problem
        case .duplicatedKeysInMapping(let duplicates, _):
            "the group of keys that begins here sets \(duplicates.map(\.debugDescription).joined(separator: ", ")) twice"
        case .dataCouldNotBeDecoded:
            "the file is not UTF-8 text"
        case .memory, .no:
            "it cannot be parsed"
        }
    }

    /// Whether the parser has found a colon where none may be.
    fileprivate var mayLackColon: Bool { problem.contains("mapping values are not allowed") }

    fileprivate var line: Int? {
        switch self {
        case .scanner(let context, _, let mark, _), .parser(let context, _, let mark, _):
            // A quote or bracket that is not closed begins in the context's line, and is noticed in a later one. But
            // the context of a key with a wrong indentation is the whole group of keys.
            context.map { $0.text.contains("block") ? mark.line : $0.mark.line } ?? mark.line
        case .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context):
            context.mark.line
        case .reader(_, let offset, _, let text):
            offset.map { text.prefix($0).count(where: \.isNewline) + 1 }
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            nil
        }
    }
}
