import ArgumentParser
import BuildVersion

/// The root command, `sluice-load`.
struct SluiceLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice-load",
        abstract: "Loads a Sluice server, or another message server, and measures it.",
        discussion: """
            Every message is checked where it arrives: a message that is lost, duplicated, changed or out of order fails the \
            run. Exit status: 0 measured, 1 a run failed, 2 wrong usage. Credentials come from SLUICE_PRINCIPAL and \
            SLUICE_TOKEN.
            """,
        version: buildVersion(),
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Messages",
                subcommands: [
                    MeasureHandoff.self, MeasureWorker.self, MeasureLease.self, MeasureCall.self, MeasureStream.self,
                    MeasureSelect.self, MeasureFanIn.self, MeasureFanOut.self, MeasureBroadcast.self,
                ]),
            CommandGroup(
                name: "Connections",
                subcommands: [MeasurePing.self, MeasureBarrier.self, MeasureConnect.self, MeasureIdle.self]),
            CommandGroup(
                name: "A server as a whole", subcommands: [MeasureSuite.self, MeasureCrowd.self, SoakServer.self]),
            CommandGroup(name: "Several servers", subcommands: [CompareServers.self]),
        ])

    /// Parses the arguments that follow the program's name.
    ///
    /// Prints requested help or a completion script on stdout and exits with status 0.
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

/// An error in the command line.
struct UsageError: Error {
    let message: String
}
