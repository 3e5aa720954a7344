import Foundation
import SluiceRuntime

/// A server program of a comparison: its name, its arguments and its version.
enum ServerProgram: String, CaseIterable, Sendable {
    case sluiced, redis, nats, beanstalkd

    /// The name of the executable.
    var executable: String {
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

    /// Whether the server can listen on a Unix socket beside its port.
    var hasUnixSocket: Bool {
        switch self {
        case .sluiced, .redis: true
        case .nats, .beanstalkd: false
        }
    }

    /// Returns the arguments to listen on a port of the loopback interface, and to store nothing on disk.
    ///
    /// - Parameter socketPath: where to listen as well, for servers with Unix sockets.
    func arguments(port: UInt16, socketPath: String?) -> [String] {
        switch self {
        case .sluiced:
            ["--listen", "127.0.0.1:\(port)"] + (socketPath.map { ["--listen", "unix:\($0)"] } ?? [])
        case .redis:
            ["--bind", "127.0.0.1", "--port", "\(port)", "--save", "", "--appendonly", "no", "--maxclients", "20000"]
                + (socketPath.map { ["--unixsocket", $0] } ?? [])
        case .nats: ["--addr", "127.0.0.1", "--port", "\(port)"]
        case .beanstalkd: ["-l", "127.0.0.1", "-p", "\(port)", "-z", "\(1 << 20)"]
        }
    }

    /// Returns the arguments to listen with TLS on a port of the loopback interface, and to store nothing on disk.
    ///
    /// - Parameter configurationPath: the file to which `tlsConfiguration` is written.
    func arguments(tlsPort port: UInt16, _ certificate: ThrowawayCertificate, configurationPath: String) -> [String] {
        let (certificatePath, keyPath) = (certificate.identity.certificatePath, certificate.identity.keyPath)
        switch self {
        case .sluiced: return ["--config", configurationPath]
        case .redis:
            return arguments(port: 0, socketPath: nil) + [
                "--tls-port", "\(port)", "--tls-cert-file", certificatePath, "--tls-key-file", keyPath,
                "--tls-auth-clients", "no",
            ]
        case .nats:
            return arguments(port: port, socketPath: nil)
                + ["--tls", "--tlscert", certificatePath, "--tlskey", keyPath]
        case .beanstalkd: return arguments(port: port, socketPath: nil)
        }
    }

    /// The configuration file to listen with TLS; empty for a server without one.
    func tlsConfiguration(port: UInt16, _ certificate: ThrowawayCertificate) -> String {
        guard self == .sluiced else { return "" }
        return """
            listen:
              - address: 127.0.0.1:\(port)
                tls: {certificate: \(certificate.identity.certificatePath), key: \(certificate.identity.keyPath)}

            """
    }

    /// Returns the server's name, with the version of a running process if it is one of this program.
    func title(of process: ServerProcess) -> String {
        let path = "/proc/\(process.pid)/exe"
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        return target?.split(separator: "/").last.map(String.init) == executable
            ? title(ofExecutableAt: path) : name
    }

    /// Returns the server's name, with the version that the executable at `path` prints.
    func title(ofExecutableAt path: String) -> String {
        let flag = self == .beanstalkd ? "-v" : "--version"
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = [flag]
        process.standardOutput = output
        process.standardError = output
        guard (try? process.run()) != nil else { return name }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.firstMatch(of: /\d+\.\d+(\.\d+)?/).map { "\(name) \($0.0)" } ?? name
    }
}

extension Contestant {
    /// The program of the contestant's server.
    var program: ServerProgram {
        switch self {
        case .sluice: .sluiced
        case .redis, .redisReply: .redis
        case .nats: .nats
        case .beanstalkd: .beanstalkd
        }
    }

    /// The name of the server in results.
    var server: String { program.rawValue }
}
