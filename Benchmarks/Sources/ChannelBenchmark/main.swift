import Glibc
import SluiceRuntime

// ChannelBenchmark CONTESTANT WORKLOAD COUNT prints "WORKLOAD VALUE UNIT".

/// The channels that are measured, and the executor of the tasks.
enum ChannelContestant: String, CaseIterable {
    case sluice
    case asyncChannelOnReactor = "asyncchannel-reactor"
    case asyncChannelOnPool = "asyncchannel-pool"
}

guard CommandLine.arguments.count == 4,
    let contestant = ChannelContestant(rawValue: CommandLine.arguments[1]),
    let workload = ChannelWorkload(rawValue: CommandLine.arguments[2]),
    let count = Int(CommandLine.arguments[3])
else {
    print(
        "usage: ChannelBenchmark \(ChannelContestant.allCases.map(\.rawValue)) \(ChannelWorkload.allCases.map(\.rawValue)) COUNT"
    )
    exit(EX_USAGE)
}

let measurement: Measurement
switch contestant {
case .sluice:
    let reactor = try Reactor()
    measurement = try reactor.run { try await SluiceWorkloads(reactor: reactor).measure(workload, count) }
case .asyncChannelOnReactor:
    let reactor = try Reactor()
    measurement = try reactor.run { try await AsyncChannelWorkloads(executor: reactor).measure(workload, count) }
case .asyncChannelOnPool:
    measurement = try await Task.detached {
        try await AsyncChannelWorkloads(executor: nil).measure(workload, count)
    }.value
}
print(measurement.report(as: workload.rawValue))
