import Foundation
import SluiceHub
import SluiceWire

extension Settings {
    /// Combines the sources: a flag overrides an environment variable, which overrides the file, which overrides the
    /// default.
    ///
    /// A stronger source replaces the value of a key instead of adding to it: a single `--listen` replaces the file's
    /// whole list. An empty variable counts as not set. A variable that begins with `SLUICED_` and matches no key is an
    /// error, unless Kubernetes sets it for a service named `sluiced`.
    ///
    /// - Parameter inherited: the sockets that listeners may take; nil if the settings are only checked.
    /// - Throws: ``SettingsError`` for the first mistake in any source, even in a value that another source overrides.
    init(
        _ options: Options, environment: [String: String], inheriting inherited: InheritedSockets? = nil
    ) throws(SettingsError) {
        self.init()
        try SettingsKey.refuseUnknownVariables(environment)
        var entries: [SettingsKey: SettingsEntry] = [:]
        let file = try Self.file(options, environment: environment)
        for entry in try Self.layers(file, options, environment: environment) {
            try apply(entry)
            entries[entry.key] = entry
        }
        // A configuration that sets `listen` must also set `web`, or there is no web door. So several daemons do not
        // compete for the default address.
        if entries[.listen] != nil, entries[.web] == nil { web = nil }
        if let inherited { try use(inherited, writtenAs: entries) }
        processes = file?.processes ?? []
        try choosePrincipals(of: file)
        try checkPrincipals(ofListenersIn: entries)
        try refusePublicListeners(writtenAs: entries)
    }

    /// Reads the configuration file; returns nil if neither the flag nor the variable names one.
    private static func file(
        _ options: Options, environment: [String: String]
    ) throws(SettingsError) -> SettingsFile? {
        try options.configurationPath(environment).map { path throws(SettingsError) in try SettingsFile(path: path) }
    }

    /// Returns all entries, those of the weakest source first.
    private static func layers(
        _ file: SettingsFile?, _ options: Options, environment: [String: String]
    ) throws(SettingsError) -> [SettingsEntry] {
        var entries = file?.entries ?? []
        entries += SettingsKey.allCases.compactMap { SettingsEntry($0, environment: environment) }
        entries += options.entries
        return entries
    }

    /// Takes the principals from the only source that has some.
    private mutating func choosePrincipals(of file: SettingsFile?) throws(SettingsError) {
        let sources: [(name: String, principals: Principals)] = [
            (SettingsKey.usersFile.rawValue, usersFile), (SettingsKey.principalsFile.rawValue, principalsFile),
            (SettingsFile.principalsKey, file?.principals),
        ].compactMap { name, principals in principals.map { (name, $0) } }
        guard sources.count < 2 else {
            let names = sources.map(\.name).joined(separator: " and ")
            throw SettingsError("\(names) are set; set only one of them", status: .configuration)
        }
        principals = sources.first?.principals
        (usersFile, principalsFile) = (nil, nil)
    }

    /// Refuses listeners that identify clients as principals which do not exist.
    private func checkPrincipals(ofListenersIn entries: [SettingsKey: SettingsEntry]) throws(SettingsError) {
        if let entry = entries[.listen] { try checkPrincipals(of: listen, in: entry) }
        if let entry = entries[.web], let web { try checkPrincipals(of: [web.listener], in: entry) }
    }

    private func checkPrincipals(of listeners: [ListenerSetting], in entry: SettingsEntry) throws(SettingsError) {
        for listener in listeners {
            if principals == nil, listener.identifiesBy != nil {
                throw entry.error("tls: principal-from needs principals; set principals-file")
            }
            for name in listener.userPrincipals.values.sorted() where principals?.contains(name) != true {
                throw entry.error("user-principals: there is no principal \(name.debugDescription)")
            }
        }
    }

    private mutating func apply(_ entry: SettingsEntry) throws(SettingsError) {
        switch entry.key {
        case .listen:
            listen = try entry.listeners()
        case .web:
            web = try entry.web()
        case .allowPublic:
            allowsPublic = try entry.boolean()
        case .usersFile:
            usersFile = nil
            usersPath = entry.path()
            if let path = usersPath { usersFile = try UsersFile(path: path).principals }
        case .principalsFile:
            principalsFile = nil
            principalsPath = entry.path()
            if let path = principalsPath { principalsFile = try PrincipalsFile(path: path).principals }
        case .stateDirectory:
            stateDirectory = entry.path()
            if let stateDirectory { try StateDirectory.check(stateDirectory) }
        case .sandbox:
            isSandboxed = try entry.boolean()
        case .coreDumps:
            allowsCoreDumps = try entry.boolean()
        case .reactors:
            reactors = try entry.wholeNumber(in: 1...256)
        case .logLevel:
            logLevel = try entry.logLevel()
        case .logFormat:
            logFormat = try entry.logFormat()
        case .blockedLoopMilliseconds:
            let milliseconds = try entry.wholeNumber(in: 0...60_000)
            blockedLoopThreshold = milliseconds == 0 ? nil : .milliseconds(milliseconds)
        case .lineBytes:
            limits.wire.maxLineBytes = try entry.wholeNumber(in: 512...1_048_576)
        case .bodyBytes:
            limits.wire.maxBodyBytes = try entry.wholeNumber(in: 0...1_073_741_824)
        case .selectArms:
            limits.wire.maxSelectArms = try entry.wholeNumber(in: 1...4_096)
        case .pendingTags:
            limits.wire.maxPendingTags = try entry.wholeNumber(in: 1...1_048_576)
        case .connections:
            limits.maxConnections = try entry.wholeNumber(in: 1...1_048_576)
        case .connectionsPerAddress:
            limits.maxConnectionsPerAddress = try entry.bound(upTo: 1_048_576)
        case .connectionsPerPrincipal:
            limits.maxConnectionsPerPrincipal = try entry.bound(upTo: 1_048_576)
        case .memory:
            let bytes = try entry.wholeNumber(in: 0...1_099_511_627_776)
            memory = bytes == 0 ? nil : bytes
        case .memoryPerHolder:
            let bytes = try entry.wholeNumber(in: 0...1_099_511_627_776)
            limits.memoryPerHolder = bytes == 0 ? nil : bytes
        case .memoryPerConnection:
            let bytes = try entry.wholeNumber(in: 0...1_099_511_627_776)
            limits.memoryPerConnection = bytes == 0 ? nil : bytes
        case .parkedBytes:
            limits.parkedBytes = try entry.wholeNumber(in: 0...1_099_511_627_776)
        case .keptBytes:
            limits.keptBytes = try entry.wholeNumber(in: 0...1_099_511_627_776)
        case .leases:
            limits.maxLeases = try entry.wholeNumber(in: 16...1_048_576)
        case .declaredChannels:
            limits.maxDeclaredChannels = try entry.wholeNumber(in: 0...16_777_216)
        case .ends:
            limits.maxEnds = try entry.wholeNumber(in: 0...1_048_576)
        case .capacity:
            limits.wire.maxCapacity = try entry.wholeNumber(in: 1...16_777_216)
        case .window:
            limits.wire.maxWindow = try entry.wholeNumber(in: 1...1_048_576)
        case .tombstones:
            limits.maxTombstones = try entry.wholeNumber(in: 0...16_777_216)
        case .tombstoneSeconds:
            limits.tombstoneLife = .seconds(try entry.wholeNumber(in: 0...86_400))
        case .rememberedSends:
            limits.maxRememberedSends = try entry.wholeNumber(in: 0...16_777_216)
        case .rememberedSendSeconds:
            limits.sendMemoryLife = .seconds(try entry.wholeNumber(in: 0...86_400))
        case .lineSeconds:
            limits.lineTimeout = .seconds(try entry.wholeNumber(in: 1...3_600))
        case .stallSeconds:
            limits.stallTimeout = .seconds(try entry.wholeNumber(in: 1...3_600))
        case .silenceSeconds:
            let seconds = try entry.wholeNumber(in: 0...65_534)
            limits.silenceTimeout = seconds == 0 ? nil : .seconds(seconds)
        case .drainSeconds:
            limits.drainTimeout = .seconds(try entry.wholeNumber(in: 0...86_400))
        }
    }

    private func refusePublicListeners(writtenAs entries: [SettingsKey: SettingsEntry]) throws(SettingsError) {
        guard let address = exposedAddress else { return }
        let isWeb = !listen.contains { $0.isExposed }
        let problem =
            "other machines can reach \(address) without authentication; set principals-file, or --allow-public to permit it"
        // Without an entry, the address is that of an inherited socket.
        throw entries[isWeb ? .web : .listen]?.error(problem) ?? SettingsError(problem, status: .configuration)
    }
}

extension SettingsEntry {
    /// Reads a key's environment variable; nil if it is empty or not set.
    fileprivate init?(_ key: SettingsKey, environment: [String: String]) {
        guard let text = environment[key.variable], !text.isEmpty else { return nil }
        let texts = key.takesList ? text.split(separator: ",", omittingEmptySubsequences: false) : [text[...]]
        self.init(key: key, origin: .environment, texts: texts.map { $0.trimmingCharacters(in: .whitespaces) })
    }
}

extension Options {
    /// The path of the configuration file; nil if neither the flag nor the variable names one.
    func configurationPath(_ environment: [String: String]) -> String? {
        config ?? environment[SettingsKey.fileVariable].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The values of the flags.
    fileprivate var entries: [SettingsEntry] {
        var entries: [SettingsEntry] = []
        if !listen.isEmpty { entries.append(SettingsEntry(key: .listen, origin: .flag, texts: listen)) }
        if let web { entries.append(SettingsEntry(key: .web, origin: .flag, texts: [web])) }
        if let stateDirectory {
            entries.append(SettingsEntry(key: .stateDirectory, origin: .flag, texts: [stateDirectory]))
        }
        if let reactors { entries.append(SettingsEntry(key: .reactors, origin: .flag, texts: [reactors])) }
        if let logLevel { entries.append(SettingsEntry(key: .logLevel, origin: .flag, texts: [logLevel])) }
        if let logFormat { entries.append(SettingsEntry(key: .logFormat, origin: .flag, texts: [logFormat])) }
        if allowPublic { entries.append(SettingsEntry(key: .allowPublic, origin: .flag, texts: ["true"])) }
        return entries
    }
}
