import ArgumentParser
import Glibc

struct CrowdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd", abstract: "What messages cost alone, and beside a crowd of parked receives.")

    @Option(help: ArgumentHelp("How many receives are parked, a thousand on a connection.", valueName: "N"))
    var parked = 1_000_000
    @Option(help: ArgumentHelp("On how many channels.", valueName: "N"))
    var channels = 100_000
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard parked >= 1, channels >= 1 else { throw ValidationError("--parked and --channels are at least 1") }
        guard common.server.against == .sluice else { throw ValidationError("only Sluice parks many on a connection") }
    }

    func run() throws {
        DescriptorLimit.raise()
        let place = try common.server.place()
        var plan = Plan(
            workload: .handoff, contestant: .sluice, address: place.address, credentials: place.credentials)
        ParkedCrowd.castStreams(&plan)
        plan.bodyBytes = common.load.body ?? plan.bodyBytes
        plan.length = common.load.length
        plan.seed = common.load.seed
        plan.patienceSeconds = common.load.patience.value
        plan.serverPID = common.server.serverPID ?? ServerProcess.listening(at: place.address)?.pid
        plan.prefix = "load/\(getpid())"
        let server = plan.serverPID.map { ServerProcess($0) }
        try ReportWriter(options: common.output).measuring { progress throws(LoadFailure) in
            progress.begin("streams alone")
            let alone = try Run.carryOut(plan) { progress.show($0) }
            let before = server?.residentBytes
            progress.begin("parking \(parked) receives")
            let crowd = try ParkedCrowd(plan, receives: parked, channels: channels)
            let after = server?.residentBytes
            progress.begin("streams beside \(parked) parked receives")
            var beside = try Run.carryOut(plan) { progress.show($0) }
            crowd.dismiss()
            beside.settings.insert(Setting(name: "parked", value: "\(parked) on \(channels) channels"), at: 0)
            if let before, let after {
                let bytes = Double(after - before) / Double(parked)
                beside.extras.append(Figure(name: "bytes a parked receive", value: bytes, unit: "B"))
            }
            return [alone, beside]
        }
    }
}
