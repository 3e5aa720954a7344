import ArgumentParser
import Foundation

struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "What a connection costs the server that does nothing, or waits for a message.",
        discussion:
            "By what the server's memory grows by; so the server is to be on this machine, and without other work.")

    @Option(help: ArgumentHelp("How many connections.", valueName: "N"))
    var connections = 2000
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else { throw ValidationError("--connections is at least 1") }
    }

    func run() throws {
        DescriptorLimit.raise()
        let place = try server.place()
        guard
            let process = server.serverPID.map({ ServerProcess($0) }) ?? ServerProcess.listening(at: place.address)
        else { throw LoadFailure("the server's process was not found: see --server-pid") }
        var plan = Plan(
            workload: .handoff, contestant: server.against, address: place.address, credentials: place.credentials)
        plan.prefix = "load/\(getpid())"
        try ReportWriter(options: output).measuring { progress throws(LoadFailure) in
            progress.begin("idle")
            let needed = 2 * connections + 100
            guard needed <= DescriptorLimit.current else {
                throw LoadFailure("\(needed) descriptors are needed; there may be \(DescriptorLimit.current)")
            }
            var results: [RunResult] = []
            // The second ones come while the first are there: what these leave behind would be used again.
            let idle = try idling(place.address, process, isParked: false).measure(plan) { () throws(LoadFailure) in
                progress.begin("parked")
                results.append(try idling(place.address, process, isParked: true).measure(plan))
            }
            return [idle] + results
        }
    }

    private func idling(_ address: ServerAddress, _ process: ServerProcess, isParked: Bool) -> Idling {
        Idling(
            contestant: server.against, address: address, server: process, connections: connections, isParked: isParked)
    }
}

struct CrowdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd", abstract: "What handoffs cost alone, and beside a crowd of parked receives.")

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
        ParkedCrowd.castHandoffs(&plan)
        plan.bodyBytes = common.load.body ?? plan.bodyBytes
        plan.length = common.load.length
        plan.seed = common.load.seed
        plan.serverPID = common.server.serverPID ?? ServerProcess.listening(at: place.address)?.pid
        plan.prefix = "load/\(getpid())"
        let server = plan.serverPID.map { ServerProcess($0) }
        try ReportWriter(options: common.output).measuring { progress throws(LoadFailure) in
            progress.begin("handoffs alone")
            let alone = try Run.carryOut(plan) { progress.show($0) }
            let before = server?.residentBytes
            progress.begin("parking \(parked) receives")
            let crowd = try ParkedCrowd(plan, receives: parked, channels: channels)
            let after = server?.residentBytes
            progress.begin("handoffs beside \(parked) parked receives")
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
