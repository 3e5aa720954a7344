import Logging

/// The value of one key in one source: uninterpreted text, and where it was written.
struct SettingsEntry: Equatable, Sendable {
    let key: SettingsKey
    let origin: Origin
    let texts: [String]
    /// The items of `listen` or the value of `web` in a file, whose addresses are also in `texts`; empty in the other sources.
    var items: [ListenerEntry] = []

    /// The source of the value.
    enum Origin: Equatable, Sendable {
        case flag
        case environment
        case file(path: String, line: Int)
    }
}

// MARK: - Values

extension SettingsEntry {
    /// The listeners that the key names.
    func listeners() throws(SettingsError) -> [ListenerSetting] {
        let items = items.isEmpty ? texts.map { ListenerEntry(address: $0, of: key) } : items
        return try items.map { item throws(SettingsError) in
            let address: ListenAddress
            do throws(SettingsError) { address = try ListenAddress(parsing: item.address) } catch {
                throw self.error(error.message)
            }
            return try item.setting(at: address)
        }
    }

    /// The web door that the key `web` describes; nil for `off`.
    func web() throws(SettingsError) -> WebSetting? {
        guard items.isEmpty, text.lowercased() == "off" else {
            let listener = try listeners()[0]
            return WebSetting(listener, hosts: items.first?.hosts ?? [])
        }
        return nil
    }

    /// The path of a file; nil if it is empty.
    func path() -> String? { text.isEmpty ? nil : text }

    /// A truth value in one of the spellings of YAML 1.1, or 1 or 0.
    func boolean() throws(SettingsError) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw mismatch(expected: "true or false")
        }
    }

    func wholeNumber(in range: ClosedRange<Int>) throws(SettingsError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw mismatch(expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A bound, for which 0 means no bound.
    func bound(upTo limit: Int) throws(SettingsError) -> Int {
        let number = try wholeNumber(in: 0...limit)
        return number == 0 ? .max : number
    }

    func logLevel() throws(SettingsError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw mismatch(expected: "one of \(levels)")
        }
        return level
    }

    func logFormat() throws(SettingsError) -> LogFormat {
        guard let format = LogFormat(rawValue: text.lowercased()) else { throw mismatch(expected: "text or json") }
        return format
    }

    /// The value of a key that takes a single one.
    private var text: String { texts.joined(separator: ",") }
}

// MARK: - Errors

extension SettingsEntry {
    /// Returns an error that names the key and its source, with the exit status for that source.
    func error(_ problem: String) -> SettingsError {
        switch origin {
        case .flag:
            SettingsError("\(key.flag): \(problem)", status: .usage)
        case .environment:
            SettingsError("\(key.variable): \(problem)", status: .configuration)
        case .file(let path, let line):
            SettingsError("\(path):\(line): \(key.rawValue): \(problem)", status: .configuration)
        }
    }

    private func mismatch(expected: String) -> SettingsError {
        error("\(text.debugDescription) is not \(expected)")
    }
}
