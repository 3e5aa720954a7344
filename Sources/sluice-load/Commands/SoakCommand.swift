import ArgumentParser

struct SoakServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Workloads in random order, beside clients that disconnect, for the whole duration."
    )

    @Option(help: ArgumentHelp("How many connections disconnect in the middle of their work.", valueName: "N"))
    var vandals = 4
    @Option(
        help: ArgumentHelp("Run this many episodes, each of --operations, instead of a duration.", valueName: "N"))
    var episodes: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard vandals >= 0 else { throw ValidationError("--vandals must be at least 0") }
        guard (episodes == nil) == (common.load.operations == nil) else {
            throw ValidationError("pass --episodes and --operations together")
        }
        guard common.server.against == .sluice else { throw ValidationError("soak supports only sluice") }
    }

    func run() throws {
        var plan = try common.plan(.handoff)
        plan.threads = common.load.threads
        let soak = Soak(
            base: plan, seconds: common.load.duration.value, episodes: episodes, vandals: vandals)
        try ReportWriter(options: common.output).measureAndWrite(servers: plan.servers) {
            progress throws(LoadFailure) in
            progress.begin("soak")
            return [try soak.carryOut { progress.show($0) }]
        }
    }
}
