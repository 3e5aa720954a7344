import ArgumentParser
import Glibc

struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "All of them, one after the other as the seed says, beside clients that fail, for the whole duration."
    )

    @Option(help: ArgumentHelp("Connections that fail, again and again.", valueName: "N"))
    var vandals = 4
    @Option(help: ArgumentHelp("So many pieces, each of --operations, in place of a duration.", valueName: "N"))
    var episodes: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard vandals >= 0 else { throw ValidationError("--vandals is at least 0") }
        guard (episodes == nil) == (common.load.operations == nil) else {
            throw ValidationError("--episodes and --operations go together")
        }
        guard common.server.against == .sluice else { throw ValidationError("only Sluice has all that a soak does") }
    }

    func run() throws {
        let place = try common.server.place()
        var plan = Plan(
            workload: .handoff, contestant: .sluice, address: place.address, credentials: place.credentials)
        plan.threads = common.load.threads
        plan.length = common.load.length
        plan.seed = common.load.seed
        plan.patienceSeconds = common.load.patience.value
        plan.serverPID = common.server.serverPID ?? ServerProcess.listening(at: place.address)?.pid
        plan.prefix = "load/\(getpid())"
        let soak = Soak(
            base: plan, seconds: common.load.duration.value, episodes: episodes, vandals: vandals)
        try ReportWriter(options: common.output).measuring { progress throws(LoadFailure) in
            progress.begin("soak")
            return [try soak.carryOut { progress.show($0) }]
        }
    }
}
