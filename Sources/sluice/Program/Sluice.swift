import ArgumentParser
import BuildVersion
import Foundation
import SluiceRuntime

@main
enum Sluice {
    static func main() {
        StandardDescriptors.open()
        do {
            var command = try Root.parsing(CommandLine.arguments.dropFirst())
            try command.run()
        } catch let failure as Failure {
            Console.standard.complain(failure.message)
            exit(failure.status.rawValue)
        } catch {
            Root.exit(withError: error)
        }
    }
}

/// The command line: the arguments of `sluice`.
struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "CSP channels for shells: send, receive, select, and look inside a hub.",
        discussion: """
            Exit status: 0 taken, 1 error, 2 usage, 3 timeout, 4 closed or poisoned, 5 in doubt, 6 rejected, \
            7 denied. Credentials come from SLUICE_PRINCIPAL and SLUICE_TOKEN. See docs/command-line.md.
            """,
        version: buildVersion(),
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Messages", subcommands: [Send.self, Call.self, Receive.self, Select.self, PipeChannels.self]),
            CommandGroup(
                name: "Channels",
                subcommands: [OpenChannel.self, CloseChannel.self, PoisonChannel.self, DeadLetters.self]),
            CommandGroup(name: "Meeting", subcommands: [MeetAtBarrier.self, HoldLock.self]),
            CommandGroup(
                name: "Looking inside",
                subcommands: [
                    Top.self, Ping.self, Info.self, Channels.self, Waiters.self, Clients.self, Stuck.self, Trace.self,
                    Kill.self,
                ]),
            CommandGroup(name: "Credentials", subcommands: [Token.self]),
        ])

    /// Parses the arguments that follow the program's name.
    ///
    /// A request for help, for the version or for a completion script is answered on stdout, and ends the process with
    /// 0.
    ///
    /// - Throws: a `Failure` of one line, without the usage text that `parseOrExit` would add.
    static func parsing(_ arguments: some Sequence<String>) throws(Failure) -> any ParsableCommand {
        do {
            return try parseAsRoot(Array(arguments))
        } catch {
            guard exitCode(for: error) != .success else { exit(withError: error) }
            let message = message(for: error)
            throw Failure(message.split(whereSeparator: \.isNewline).first.map(String.init) ?? message, .usage)
        }
    }
}
