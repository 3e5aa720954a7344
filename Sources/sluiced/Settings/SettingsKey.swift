/// The keys of the configuration file, which also name the variables and the flags.
///
/// A new setting is a new case: the compiler then asks for its place in ``Settings``, and a test for its lines in
/// `config/sluiced.yaml`.
enum SettingsKey: String, CaseIterable, Sendable {
    case listen
    case allowPublic = "allow-public"
    case usersFile = "users-file"
    case reactors
    case logLevel = "log-level"
    case blockedLoopMilliseconds = "blocked-loop-milliseconds"
    case lineBytes = "limits.line-bytes"
    case bodyBytes = "limits.body-bytes"
    case selectArms = "limits.select-arms"
    case pendingTags = "limits.pending-tags"
    case connections = "limits.connections"
    case connectionsPerAddress = "limits.connections-per-address"
    case connectionsPerPrincipal = "limits.connections-per-principal"
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

    /// The variable that sets it: `SLUICED_LOG_LEVEL`, `SLUICED_LIMITS_LINE_BYTES`.
    var variable: String {
        "SLUICED_" + rawValue.uppercased().replacing(/[^A-Z]/, with: "_")
    }

    /// The flag that sets it, where there is one: `--log-level`.
    var flag: String { "--\(rawValue)" }

    /// Whether it takes several values.
    var takesList: Bool { self == .listen }

    /// The names that hold keys and no value, as `limits` does.
    static let groups = Set(allCases.compactMap(\.group))

    private var group: String? {
        rawValue.lastIndex(of: ".").map { String(rawValue[..<$0]) }
    }
}

// MARK: - Unknown keys

extension SettingsKey {
    /// Ends the sentence about an unknown key: with the known one that was probably meant, or with all of them.
    static func suggestion(for unknown: String) -> String {
        Spelling(subject: "the keys", words: allCases.map(\.rawValue) + [SettingsFile.processesKey])
            .suggestion(for: unknown, or: groups)
    }
}
