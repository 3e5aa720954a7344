import ArgumentParser

/// What was typed behind `sluiced`.
///
/// The values stay text here. ``Settings`` reads the flags, the environment and the file with one set of rules, so that
/// a bad value is told in the same words wherever it was written.
struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluiced",
        abstract: "Hosts named CSP channels for any program that can write a line to a socket.",
        discussion: """
            A flag takes precedence over the environment, the environment over the configuration file. Every key of \
            the file has a variable: SLUICED_ and the key in capitals, with _ for each other character \
            (SLUICED_LOG_LEVEL, SLUICED_LIMITS_LINE_BYTES); SLUICED_LISTEN takes several addresses, separated by commas.
            """)

    @Option(help: ArgumentHelp("Address to listen on; may be repeated.", valueName: "HOST:PORT|unix:PATH"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("Configuration file, in YAML.", valueName: "FILE"))
    var config: String?

    @Option(help: ArgumentHelp("How many threads serve clients; 1 unless one is not enough.", valueName: "N"))
    var reactors: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "L"))
    var logLevel: String?

    @Flag(help: "Listen where other machines can connect, although nothing authenticates them.")
    var allowPublic = false

    /// Reads the arguments that follow the program's name.
    ///
    /// A request for help is answered on stdout, and ends the process with 0.
    ///
    /// - Throws: ``SettingsError`` of one line, without the usage text that `parseOrExit` would add to it.
    static func parsing(_ arguments: some Sequence<String>) throws(SettingsError) -> Options {
        do {
            return try parse(Array(arguments))
        } catch {
            guard exitCode(for: error) != .success else { exit(withError: error) }
            throw SettingsError(message(for: error), status: .usage)
        }
    }
}
