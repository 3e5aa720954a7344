import ArgumentParser

/// The command line: what is typed behind `sluice-load`.
struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice-load",
        abstract: "Loads a Sluice server, or one of its peers, and measures what it does.",
        discussion: """
            Every message is checked where it arrives: one that is lost, doubled, changed or out of order fails the run. \
            Exit status: 0 measured, 1 a run has failed, 2 usage. Credentials come from SLUICE_PRINCIPAL and SLUICE_TOKEN.
            """,
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Messages",
                subcommands: [
                    HandoffCommand.self, LeaseCommand.self, StreamCommand.self, SelectCommand.self, FanInCommand.self,
                    FanOutCommand.self, BroadcastCommand.self,
                ]),
            CommandGroup(
                name: "Connections",
                subcommands: [PingCommand.self, BarrierCommand.self, ConnectCommand.self, IdleCommand.self]),
            CommandGroup(
                name: "A server as a whole", subcommands: [SuiteCommand.self, CrowdCommand.self, SoakCommand.self]),
            CommandGroup(name: "Peers", subcommands: [CompareCommand.self]),
        ])

    /// Reads the arguments that follow the program's name.
    ///
    /// A request for help, or for a completion script, is answered on stdout, and ends the process with 0.
    static func parsing(_ arguments: some Sequence<String>) throws(UsageError) -> any ParsableCommand {
        do {
            return try parseAsRoot(Array(arguments))
        } catch {
            guard exitCode(for: error) != .success else { exit(withError: error) }
            let message = message(for: error)
            throw UsageError(message: message.split(whereSeparator: \.isNewline).first.map(String.init) ?? message)
        }
    }
}

/// The command line is wrong.
struct UsageError: Error {
    let message: String
}
