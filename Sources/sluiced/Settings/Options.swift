import ArgumentParser
import BuildVersion

/// The command line of `sluiced`.
///
/// The values stay text here. ``Settings`` reads the flags, the environment and the file with one set of rules, so that
/// a bad value gets the same error message whatever its source.
struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluiced",
        abstract: "Hosts named CSP channels for any program that can write a line to a socket.",
        discussion: """
            A flag takes precedence over the environment, and the environment over the configuration file. Every key \
            of the file has an environment variable: SLUICED_ and the key in capitals, with _ for each other character \
            (SLUICED_LOG_LEVEL, SLUICED_LIMITS_LINE_BYTES). SLUICED_LISTEN takes several addresses, separated by commas.

            Signals: SIGTERM and SIGINT finish what has begun, within drain-seconds; a second one, or SIGQUIT, ends that at \
            once; a third kills. SIGUSR2 finishes what has begun without a limit of time. SIGHUP reads the configuration \
            again. SIGUSR1 logs what the daemon does. SIGRTMIN+22 logs from the level debug, SIGRTMIN+23 from the \
            configured level again.

            Under a service manager, the daemon tells at NOTIFY_SOCKET when it is ready, reloads and stops, and gives signs of \
            life if WATCHDOG_USEC is set. It takes over the sockets of LISTEN_FDS: those that listen on an address of the \
            settings, and those that fd:NAME names. If neither listen nor web is set, it takes all of them, and those with \
            the name web serve HTTP.

            Exit status: 0 stopped by a signal; 64 a mistake in the flags; 66 no such file; 69 an address that is in use or \
            does not exist; 71 the system refused a resource; 74 a file cannot be read; 77 no permission; 78 a mistake in \
            the configuration, the users-file, the environment or an inherited socket.
            """,
        version: buildVersion())

    @Option(
        help: ArgumentHelp(
            "An address to listen on; may be repeated. A host name stands for all its addresses, fd:NAME for inherited sockets.",
            valueName: "HOST:PORT|unix:PATH|fd:NAME"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            "The address for HTTP, or off. Without it, 127.0.0.1:7380 if no address to listen on is set either.",
            valueName: "HOST:PORT|fd:NAME|off"))
    var web: String?

    @Option(help: ArgumentHelp("The configuration file, in YAML.", valueName: "FILE"))
    var config: String?

    @Option(
        help: ArgumentHelp("Where to keep a number between runs, so that fences always grow.", valueName: "DIRECTORY"))
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "The number of threads that serve clients; 1 is enough until it is always busy.", valueName: "N"))
    var reactors: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "LEVEL"))
    var logLevel: String?

    @Option(help: ArgumentHelp("How the log is written: text or json.", valueName: "FORMAT"))
    var logFormat: String?

    @Flag(help: "Allow listening on addresses that other machines can reach without authentication.")
    var allowPublic = false

    @Flag(help: "Check the settings and the files that they name, print what is wrong or \"ok\", and end.")
    var checkConfig = false

    @Flag(
        name: .customLong("dev-tls"),
        help: "Use TLS with a throw-away certificate, which is removed at the end, and print how clients connect.")
    var usesDevelopmentTLS = false

    /// Reads the arguments that follow the program's name.
    ///
    /// A request for help or for the version prints it on stdout and ends the process with status 0.
    ///
    /// - Throws: ``SettingsError`` with a message of one line, without the usage text that `parseOrExit` would add.
    static func parsing(_ arguments: some Sequence<String>) throws(SettingsError) -> Options {
        do {
            return try parse(Array(arguments))
        } catch {
            guard exitCode(for: error) != .success else { exit(withError: error) }
            throw SettingsError(message(for: error), status: .usage)
        }
    }
}
