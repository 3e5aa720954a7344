import ArgumentParser
import Glibc

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
