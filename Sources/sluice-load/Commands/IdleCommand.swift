import ArgumentParser
import Glibc

struct MeasureIdle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "A server's memory for a connection that is idle, or waits for a message.",
        discussion: """
            Measured by how much the server's memory grows, so the server must run on this machine, without other work.
            """)

    @Option(help: ArgumentHelp("How many connections.", valueName: "N"))
    var connections = 2000
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections must be from 1 to 1000000")
        }
    }

    func run() throws {
        OpenFileLimit.raise()
        let (address, credentials) = try server.location()
        guard let process = server.serverPID.map({ ServerProcess($0) }) ?? ServerProcess.listening(at: address) else {
            throw LoadFailure("cannot find the server's process: pass --server-pid")
        }
        var plan = RunPlan(
            workload: .handoff, contestant: server.against, address: address, credentials: credentials)
        plan.prefix = "load/\(getpid())"
        try ReportWriter(options: output).measureAndWrite(servers: [server.against.program.title(of: process)]) {
            progress throws(LoadFailure) in
            progress.begin("idle")
            let needed = 2 * connections + 100
            guard needed <= OpenFileLimit.current else {
                throw LoadFailure("\(needed) open files are needed, but the limit is \(OpenFileLimit.current)")
            }
            var results: [RunResult] = []
            // Measures waiting connections while the idle ones are open, since a server reuses the memory of closed ones.
            let idle = try memory(address, process, isParked: false).measure(plan) { () throws(LoadFailure) in
                progress.begin("parked")
                results.append(try memory(address, process, isParked: true).measure(plan))
            }
            return [idle] + results
        }
    }

    private func memory(_ address: ServerAddress, _ process: ServerProcess, isParked: Bool) -> IdleMemory {
        IdleMemory(
            contestant: server.against, address: address, server: process, connections: connections, isParked: isParked)
    }
}
