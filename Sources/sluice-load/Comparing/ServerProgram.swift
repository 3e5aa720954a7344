import Foundation

/// A server of a comparison: how it is found, started and called.
enum ContenderServer: String, CaseIterable, Sendable {
    case sluiced, redis, nats, beanstalkd

    var program: String {
        switch self {
        case .sluiced: "sluiced"
        case .redis: "redis-server"
        case .nats: "nats-server"
        case .beanstalkd: "beanstalkd"
        }
    }

    private var name: String {
        switch self {
        case .sluiced: "Sluice"
        case .redis: "Redis"
        case .nats: "NATS"
        case .beanstalkd: "beanstalkd"
        }
    }

    /// On the loopback interface, and with nothing kept on disk.
    func arguments(port: UInt16) -> [String] {
        switch self {
        case .sluiced: ["--listen", "127.0.0.1:\(port)"]
        case .redis:
            ["--bind", "127.0.0.1", "--port", "\(port)", "--save", "", "--appendonly", "no", "--maxclients", "20000"]
        case .nats: ["--addr", "127.0.0.1", "--port", "\(port)"]
        case .beanstalkd: ["-l", "127.0.0.1", "-p", "\(port)", "-z", "\(1 << 20)"]
        }
    }

    /// With its version, as the program tells it.
    func title(_ program: String) -> String {
        let flag = self == .beanstalkd ? "-v" : "--version"
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [flag]
        process.standardOutput = output
        process.standardError = output
        guard (try? process.run()) != nil else { return name }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.firstMatch(of: /\d+\.\d+(\.\d+)?/).map { "\(name) \($0.0)" } ?? name
    }
}
