import ArgumentParser

struct MeasureCrowd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd", abstract: "The cost of messages alone, and beside many parked receives.")

    @Option(help: ArgumentHelp("How many receives to park, a thousand on each connection.", valueName: "N"))
    var parked = 1_000_000
    @Option(help: ArgumentHelp("How many channels the parked receives use.", valueName: "N"))
    var channels = 100_000
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard parked >= 1, channels >= 1 else {
            throw ValidationError("--parked and --channels must be at least 1")
        }
        guard common.server.against == .sluice else { throw ValidationError("crowd supports only sluice") }
    }

    func run() throws {
        OpenFileLimit.raise()
        var plan = try common.plan(.handoff)
        ParkedCrowd.chooseStreams(&plan)
        plan.bodyBytes = common.load.body ?? plan.bodyBytes
        let server = plan.serverPID.map { ServerProcess($0) }
        try ReportWriter(options: common.output).measureAndWrite(servers: plan.servers) {
            progress throws(LoadFailure) in
            progress.begin("streams alone")
            let alone = try Run.carryOut(plan) { progress.show($0) }
            let before = server?.residentBytes
            progress.begin("parking \(parked) receives")
            let crowd = try ParkedCrowd(plan, receives: parked, channels: channels)
            let after = server?.residentBytes
            progress.begin("streams beside \(parked) parked receives")
            var beside = try Run.carryOut(plan) { progress.show($0) }
            crowd.disconnect()
            beside.settings.insert(RunSetting(name: "parked", value: "\(parked) on \(channels) channels"), at: 0)
            if let before, let after {
                let bytes = Double(after - before) / Double(parked)
                beside.extras.append(Figure(name: "bytes a parked receive", value: bytes, unit: "B"))
            }
            return [alone, beside]
        }
    }
}
