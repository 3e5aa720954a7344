/// The keys of the configuration file, from which the names of the environment variables and flags follow.
///
/// To add a setting, add a case: the compiler then demands its place in ``Settings``, and a test demands its lines in
/// `config/sluiced.yaml`.
enum SettingsKey: String, CaseIterable, Sendable {
    case listen
    case web
    case allowPublic = "allow-public"
    case usersFile = "users-file"
    case principalsFile = "principals-file"
    case stateDirectory = "state-directory"
    case sandbox
    case coreDumps = "core-dumps"
    case reactors
    case logLevel = "log-level"
    case logFormat = "log-format"
    case blockedLoopMilliseconds = "blocked-loop-milliseconds"
    case lineBytes = "limits.line-bytes"
    case bodyBytes = "limits.body-bytes"
    case selectArms = "limits.select-arms"
    case pendingTags = "limits.pending-tags"
    case connections = "limits.connections"
    case connectionsPerAddress = "limits.connections-per-address"
    case connectionsPerPrincipal = "limits.connections-per-principal"
    case memory = "limits.memory"
    case memoryPerHolder = "limits.memory-per-holder"
    case memoryPerConnection = "limits.memory-per-connection"
    case parkedBytes = "limits.parked-bytes"
    case keptBytes = "limits.kept-bytes"
    case leases = "limits.leases"
    case declaredChannels = "limits.declared-channels"
    case ends = "limits.ends"
    case capacity = "limits.capacity"
    case window = "limits.window"
    case tombstones = "limits.tombstones"
    case tombstoneSeconds = "limits.tombstone-seconds"
    case rememberedSends = "limits.remembered-sends"
    case rememberedSendSeconds = "limits.remembered-send-seconds"
    case lineSeconds = "limits.line-seconds"
    case stallSeconds = "limits.stall-seconds"
    case silenceSeconds = "limits.silence-seconds"
    case drainSeconds = "limits.drain-seconds"

    /// The environment variable that sets the key, such as `SLUICED_LIMITS_LINE_BYTES`.
    var variable: String {
        "SLUICED_" + rawValue.uppercased().replacing(/[^A-Z]/, with: "_")
    }

    /// The flag that sets the key, such as `--log-level`; not every key has one.
    var flag: String { "--\(rawValue)" }

    /// Whether the key takes several values.
    var takesList: Bool { self == .listen }

    /// The names that contain keys instead of a value, such as `limits`.
    static let groups = Set(allCases.compactMap(\.group))

    private var group: String? {
        rawValue.lastIndex(of: ".").map { String(rawValue[..<$0]) }
    }
}

// MARK: - Unknown keys

extension SettingsKey {
    /// Returns the known key that was probably meant, or all of them, to end the error message about an unknown key.
    static func suggestion(for unknown: String) -> String {
        KnownWords(
            subject: "the keys",
            words: allCases.map(\.rawValue) + [SettingsFile.processesKey, SettingsFile.principalsKey]
        )
        .suggestion(for: unknown, or: groups)
    }

    /// The prefix of the names of all variables.
    private static let variablePrefix = "SLUICED_"
    /// The variable that names the configuration file.
    static let fileVariable = "SLUICED_CONFIG"

    /// Throws an error for a variable that is probably misspelt.
    static func refuseUnknownVariables(_ environment: [String: String]) throws(SettingsError) {
        let known = allCases.map(\.variable) + [fileVariable]
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix(variablePrefix), !value.isEmpty, !known.contains(name), !isOfKubernetes(name)
            else { continue }
            let suggestion = KnownWords(subject: "the variables", words: known).suggestion(for: name)
            throw SettingsError("\(name): unknown variable; \(suggestion)", status: .configuration)
        }
    }

    /// Whether Kubernetes sets the variable for a service named `sluiced`.
    private static func isOfKubernetes(_ variable: String) -> Bool {
        variable.wholeMatch(of: #/SLUICED_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_[A-Z]+(_[A-Z]+)?)?)/#)
            != nil
    }
}

/// The words that are valid in some place, from which an error message about an unknown word suggests one.
struct KnownWords {
    /// What the words are, in the plural, as in "the keys are …".
    let subject: String
    let words: [String]

    /// Returns the end of an error message about an unknown word: the known word that is nearest, or a list of all.
    ///
    /// - Parameter hidden: further words that can be suggested, but are not listed.
    func suggestion(for unknown: String, or hidden: some Sequence<String> = []) -> String {
        let measured = (words + hidden).map { (word: $0, distance: Self.distance(from: unknown, to: $0)) }
        if let nearest = measured.min(by: { $0.distance < $1.distance }), nearest.distance <= 1.0 / 3 {
            return "did you mean \"\(nearest.word)\"?"
        }
        return "\(subject) are " + words.joined(separator: ", ")
    }

    /// Returns how much a text differs from a word, or from the part after the word's last dot: 0 means equal, 1 means
    /// that they have nothing in common.
    private static func distance(from text: String, to word: String) -> Double {
        [word, word.split(separator: ".").last.map(String.init) ?? word]
            .map { Double(text.difference(from: $0).count) / Double(max(text.count + $0.count, 1)) }
            .min() ?? 1
    }
}
